-- Assessment: update. Run 2 applies the plan of run 1. Written by tests/imports/test_change_sql.py.

-- What no longer holds is set aside.
INSERT INTO imports_setaside (run_id, line, seq, reason)
SELECT DISTINCT ON (q.line,
                    q.seq) 2,
                           q.line,
                           q.seq,
                           q.reason
FROM
  (SELECT c.line,
          c.seq,
          CASE
              WHEN t."id" IS NULL THEN 'changed'
              WHEN ((NOT jsonb_exists(c.after, 'parent_id')
                     OR t."parent_id" IS NOT DISTINCT
                     FROM (c.after->>'parent_id')::bigint)
                    AND (NOT jsonb_exists(c.after, 'state_code')
                         OR t."state_code" IS NOT DISTINCT
                         FROM (c.after->>'state_code')::text)
                    AND (NOT jsonb_exists(c.after, 'name')
                         OR t."name" IS NOT DISTINCT
                         FROM (c.after->>'name')::text)
                    AND (NOT jsonb_exists(c.after, 'score_type')
                         OR t."score_type" IS NOT DISTINCT
                         FROM (c.after->>'score_type')::text)
                    AND (NOT jsonb_exists(c.after, 'position')
                         OR t."position" IS NOT DISTINCT
                         FROM (c.after->>'position')::smallint)
                    AND (NOT jsonb_exists(c.after, 'start_date')
                         OR t."start_date" IS NOT DISTINCT
                         FROM (c.after->>'start_date')::date)
                    AND (NOT jsonb_exists(c.after, 'first_year')
                         OR t."first_year" IS NOT DISTINCT
                         FROM (c.after->>'first_year')::smallint)
                    AND (NOT jsonb_exists(c.after, 'last_year')
                         OR t."last_year" IS NOT DISTINCT
                         FROM (c.after->>'last_year')::smallint)
                    AND (NOT jsonb_exists(c.after, 'preferred')
                         OR t."preferred" IS NOT DISTINCT
                         FROM (c.after->>'preferred')::boolean)
                    AND (NOT jsonb_exists(c.after, 'ranged')
                         OR t."ranged" IS NOT DISTINCT
                         FROM (c.after->>'ranged')::boolean)
                    AND (NOT jsonb_exists(c.after, 'results')
                         OR t."results" IS NOT DISTINCT
                         FROM (c.after->>'results')::jsonb)
                    AND (NOT jsonb_exists(c.after, 'passing_score')
                         OR t."passing_score" IS NOT DISTINCT
                         FROM (c.after->>'passing_score')::text)
                    AND (NOT jsonb_exists(c.after, 'comments')
                         OR t."comments" IS NOT DISTINCT
                         FROM (c.after->>'comments')::text)
                    AND (NOT jsonb_exists(c.after, 'shown_to_families')
                         OR t."shown_to_families" IS NOT DISTINCT
                         FROM (c.after->>'shown_to_families')::boolean)) THEN 'done'
              WHEN NOT ((NOT jsonb_exists(c.before, 'parent_id')
                         OR t."parent_id" IS NOT DISTINCT
                         FROM (c.before->>'parent_id')::bigint)
                        AND (NOT jsonb_exists(c.before, 'state_code')
                             OR t."state_code" IS NOT DISTINCT
                             FROM (c.before->>'state_code')::text)
                        AND (NOT jsonb_exists(c.before, 'name')
                             OR t."name" IS NOT DISTINCT
                             FROM (c.before->>'name')::text)
                        AND (NOT jsonb_exists(c.before, 'score_type')
                             OR t."score_type" IS NOT DISTINCT
                             FROM (c.before->>'score_type')::text)
                        AND (NOT jsonb_exists(c.before, 'position')
                             OR t."position" IS NOT DISTINCT
                             FROM (c.before->>'position')::smallint)
                        AND (NOT jsonb_exists(c.before, 'start_date')
                             OR t."start_date" IS NOT DISTINCT
                             FROM (c.before->>'start_date')::date)
                        AND (NOT jsonb_exists(c.before, 'first_year')
                             OR t."first_year" IS NOT DISTINCT
                             FROM (c.before->>'first_year')::smallint)
                        AND (NOT jsonb_exists(c.before, 'last_year')
                             OR t."last_year" IS NOT DISTINCT
                             FROM (c.before->>'last_year')::smallint)
                        AND (NOT jsonb_exists(c.before, 'preferred')
                             OR t."preferred" IS NOT DISTINCT
                             FROM (c.before->>'preferred')::boolean)
                        AND (NOT jsonb_exists(c.before, 'ranged')
                             OR t."ranged" IS NOT DISTINCT
                             FROM (c.before->>'ranged')::boolean)
                        AND (NOT jsonb_exists(c.before, 'results')
                             OR t."results" IS NOT DISTINCT
                             FROM (c.before->>'results')::jsonb)
                        AND (NOT jsonb_exists(c.before, 'passing_score')
                             OR t."passing_score" IS NOT DISTINCT
                             FROM (c.before->>'passing_score')::text)
                        AND (NOT jsonb_exists(c.before, 'comments')
                             OR t."comments" IS NOT DISTINCT
                             FROM (c.before->>'comments')::text)
                        AND (NOT jsonb_exists(c.before, 'shown_to_families')
                             OR t."shown_to_families" IS NOT DISTINCT
                             FROM (c.before->>'shown_to_families')::boolean)) THEN 'changed'
              WHEN c.guard IS NOT NULL
                   AND s.identity_hash IS DISTINCT
                   FROM c.guard THEN 'changed'
              WHEN (jsonb_exists(c.after, 'state_code')
                    OR jsonb_exists(c.after, 'name')
                    OR (jsonb_exists(c.after, 'parent')
                        AND c.after->>'parent' IS NULL))
                   AND EXISTS
                     (SELECT 1
                      FROM
                        (SELECT *
                         FROM "assessments_assessment"
                         WHERE "parent_id" IS NULL) o
                      WHERE o."state_code" = coalesce((c.after->>'state_code')::text, t."state_code")
                        AND o."name" = coalesce((c.after->>'name')::text, t."name")
                        AND o."id" <> c.object_id
                        AND o."id" NOT IN
                          (SELECT m.object_id
                           FROM imports_importchange m
                           WHERE m.run_id = 1
                             AND m.kind = 'assessment'
                             AND m.before IS NOT NULL
                             AND NOT EXISTS
                               (SELECT 1
                                FROM imports_setaside sa
                                WHERE sa.run_id = 2
                                  AND sa.line = m.line
                                  AND sa.seq = m.seq
                                  AND sa.reason <> 'done'))) THEN 'taken'
              WHEN (jsonb_exists(c.after, 'parent_id')
                    OR jsonb_exists(c.after, 'state_code'))
                   AND EXISTS
                     (SELECT 1
                      FROM
                        (SELECT *
                         FROM "assessments_assessment") o
                      WHERE o."parent_id" = coalesce((c.after->>'parent_id')::bigint, t."parent_id")
                        AND o."state_code" = coalesce((c.after->>'state_code')::text, t."state_code")
                        AND o."id" <> c.object_id
                        AND o."id" NOT IN
                          (SELECT m.object_id
                           FROM imports_importchange m
                           WHERE m.run_id = 1
                             AND m.kind = 'assessment'
                             AND m.before IS NOT NULL
                             AND NOT EXISTS
                               (SELECT 1
                                FROM imports_setaside sa
                                WHERE sa.run_id = 2
                                  AND sa.line = m.line
                                  AND sa.seq = m.seq
                                  AND sa.reason <> 'done'))) THEN 'taken'
              WHEN (c.after->>'parent_id')::bigint IS NOT NULL
                   AND NOT EXISTS
                     (SELECT 1
                      FROM "assessments_assessment" p
                      WHERE p."id" = (c.after->>'parent_id')::bigint)
                   AND NOT EXISTS
                     (SELECT 1
                      FROM imports_importchange pc
                      WHERE pc.run_id = 1
                        AND pc.kind = 'assessment'
                        AND pc.line = 0
                        AND pc.before IS NULL
                        AND pc.object_id = (c.after->>'parent_id')::bigint
                        AND NOT EXISTS
                          (SELECT 1
                           FROM imports_setaside ps
                           WHERE ps.run_id = 2
                             AND ps.line = pc.line
                             AND ps.seq = pc.seq)) THEN 'changed'
          END AS reason
   FROM imports_importchange c
   LEFT JOIN students_student s ON s.id = c.student_id
   LEFT JOIN "assessments_assessment" t ON t."id" = c.object_id
   WHERE c.run_id = 1
     AND c.kind = 'assessment'
     AND c.line = 0
     AND c.before IS NOT NULL
     AND c.after IS NOT NULL) AS q
WHERE q.reason IS NOT NULL
ORDER BY q.line,
         q.seq,
         q.reason ON CONFLICT DO NOTHING;

-- What still holds is written. (Without the last NOT EXISTS when nothing was set aside.)
UPDATE "assessments_assessment" t
SET "parent_id" = CASE
                      WHEN jsonb_exists(c.after, 'parent_id') THEN (c.after->>'parent_id')::bigint
                      ELSE t."parent_id"
                  END,
                  "state_code" = CASE
                                     WHEN jsonb_exists(c.after, 'state_code') THEN (c.after->>'state_code')::text
                                     ELSE t."state_code"
                                 END,
                                 "name" = CASE
                                              WHEN jsonb_exists(c.after, 'name') THEN (c.after->>'name')::text
                                              ELSE t."name"
                                          END,
                                          "score_type" = CASE
                                                             WHEN jsonb_exists(c.after, 'score_type') THEN (c.after->>'score_type')::text
                                                             ELSE t."score_type"
                                                         END,
                                                         "position" = CASE
                                                                          WHEN jsonb_exists(c.after, 'position') THEN (c.after->>'position')::smallint
                                                                          ELSE t."position"
                                                                      END,
                                                                      "start_date" = CASE
                                                                                         WHEN jsonb_exists(c.after, 'start_date') THEN (c.after->>'start_date')::date
                                                                                         ELSE t."start_date"
                                                                                     END,
                                                                                     "first_year" = CASE
                                                                                                        WHEN jsonb_exists(c.after, 'first_year') THEN (c.after->>'first_year')::smallint
                                                                                                        ELSE t."first_year"
                                                                                                    END,
                                                                                                    "last_year" = CASE
                                                                                                                      WHEN jsonb_exists(c.after, 'last_year') THEN (c.after->>'last_year')::smallint
                                                                                                                      ELSE t."last_year"
                                                                                                                  END,
                                                                                                                  "preferred" = CASE
                                                                                                                                    WHEN jsonb_exists(c.after, 'preferred') THEN (c.after->>'preferred')::boolean
                                                                                                                                    ELSE t."preferred"
                                                                                                                                END,
                                                                                                                                "ranged" = CASE
                                                                                                                                               WHEN jsonb_exists(c.after, 'ranged') THEN (c.after->>'ranged')::boolean
                                                                                                                                               ELSE t."ranged"
                                                                                                                                           END,
                                                                                                                                           "results" = CASE
                                                                                                                                                           WHEN jsonb_exists(c.after, 'results') THEN (c.after->>'results')::jsonb
                                                                                                                                                           ELSE t."results"
                                                                                                                                                       END,
                                                                                                                                                       "passing_score" = CASE
                                                                                                                                                                             WHEN jsonb_exists(c.after, 'passing_score') THEN (c.after->>'passing_score')::text
                                                                                                                                                                             ELSE t."passing_score"
                                                                                                                                                                         END,
                                                                                                                                                                         "comments" = CASE
                                                                                                                                                                                          WHEN jsonb_exists(c.after, 'comments') THEN (c.after->>'comments')::text
                                                                                                                                                                                          ELSE t."comments"
                                                                                                                                                                                      END,
                                                                                                                                                                                      "shown_to_families" = CASE
                                                                                                                                                                                                                WHEN jsonb_exists(c.after, 'shown_to_families') THEN (c.after->>'shown_to_families')::boolean
                                                                                                                                                                                                                ELSE t."shown_to_families"
                                                                                                                                                                                                            END
FROM imports_importchange c
WHERE t."id" = c.object_id
  AND c.run_id = 1
  AND c.kind = 'assessment'
  AND c.line = 0
  AND c.before IS NOT NULL
  AND c.after IS NOT NULL
  AND NOT EXISTS
    (SELECT 1
     FROM imports_setaside a
     WHERE a.run_id = 2
       AND a.line = c.line
       AND a.seq = c.seq);

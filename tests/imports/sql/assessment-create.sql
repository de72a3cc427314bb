-- Assessment: create. Run 2 applies the plan of run 1. Written by tests/imports/test_change_sql.py.

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
              WHEN u0."id" IS NOT NULL
                   AND ((NOT jsonb_exists(c.after, 'parent_id')
                         OR u0."parent_id" IS NOT DISTINCT
                         FROM (c.after->>'parent_id')::bigint)
                        AND (NOT jsonb_exists(c.after, 'state_code')
                             OR u0."state_code" IS NOT DISTINCT
                             FROM (c.after->>'state_code')::text)
                        AND (NOT jsonb_exists(c.after, 'name')
                             OR u0."name" IS NOT DISTINCT
                             FROM (c.after->>'name')::text)
                        AND (NOT jsonb_exists(c.after, 'score_type')
                             OR u0."score_type" IS NOT DISTINCT
                             FROM (c.after->>'score_type')::text)
                        AND (NOT jsonb_exists(c.after, 'position')
                             OR u0."position" IS NOT DISTINCT
                             FROM (c.after->>'position')::smallint)
                        AND (NOT jsonb_exists(c.after, 'start_date')
                             OR u0."start_date" IS NOT DISTINCT
                             FROM (c.after->>'start_date')::date)
                        AND (NOT jsonb_exists(c.after, 'first_year')
                             OR u0."first_year" IS NOT DISTINCT
                             FROM (c.after->>'first_year')::smallint)
                        AND (NOT jsonb_exists(c.after, 'last_year')
                             OR u0."last_year" IS NOT DISTINCT
                             FROM (c.after->>'last_year')::smallint)
                        AND (NOT jsonb_exists(c.after, 'preferred')
                             OR u0."preferred" IS NOT DISTINCT
                             FROM (c.after->>'preferred')::boolean)
                        AND (NOT jsonb_exists(c.after, 'ranged')
                             OR u0."ranged" IS NOT DISTINCT
                             FROM (c.after->>'ranged')::boolean)
                        AND (NOT jsonb_exists(c.after, 'results')
                             OR u0."results" IS NOT DISTINCT
                             FROM (c.after->>'results')::jsonb)
                        AND (NOT jsonb_exists(c.after, 'passing_score')
                             OR u0."passing_score" IS NOT DISTINCT
                             FROM (c.after->>'passing_score')::text)
                        AND (NOT jsonb_exists(c.after, 'comments')
                             OR u0."comments" IS NOT DISTINCT
                             FROM (c.after->>'comments')::text)
                        AND (NOT jsonb_exists(c.after, 'shown_to_families')
                             OR u0."shown_to_families" IS NOT DISTINCT
                             FROM (c.after->>'shown_to_families')::boolean)
                        OR u0.parent_id IS NOT DISTINCT
                        FROM (c.after->>'parent_id')::bigint
                        AND u0.state_code = c.after->>'state_code'
                        AND (u0.parent_id IS NOT NULL
                             OR u0.name = c.after->>'name')) THEN 'done'
              WHEN u0."id" IS NOT NULL THEN 'taken'
              WHEN u1."id" IS NOT NULL
                   AND ((NOT jsonb_exists(c.after, 'parent_id')
                         OR u1."parent_id" IS NOT DISTINCT
                         FROM (c.after->>'parent_id')::bigint)
                        AND (NOT jsonb_exists(c.after, 'state_code')
                             OR u1."state_code" IS NOT DISTINCT
                             FROM (c.after->>'state_code')::text)
                        AND (NOT jsonb_exists(c.after, 'name')
                             OR u1."name" IS NOT DISTINCT
                             FROM (c.after->>'name')::text)
                        AND (NOT jsonb_exists(c.after, 'score_type')
                             OR u1."score_type" IS NOT DISTINCT
                             FROM (c.after->>'score_type')::text)
                        AND (NOT jsonb_exists(c.after, 'position')
                             OR u1."position" IS NOT DISTINCT
                             FROM (c.after->>'position')::smallint)
                        AND (NOT jsonb_exists(c.after, 'start_date')
                             OR u1."start_date" IS NOT DISTINCT
                             FROM (c.after->>'start_date')::date)
                        AND (NOT jsonb_exists(c.after, 'first_year')
                             OR u1."first_year" IS NOT DISTINCT
                             FROM (c.after->>'first_year')::smallint)
                        AND (NOT jsonb_exists(c.after, 'last_year')
                             OR u1."last_year" IS NOT DISTINCT
                             FROM (c.after->>'last_year')::smallint)
                        AND (NOT jsonb_exists(c.after, 'preferred')
                             OR u1."preferred" IS NOT DISTINCT
                             FROM (c.after->>'preferred')::boolean)
                        AND (NOT jsonb_exists(c.after, 'ranged')
                             OR u1."ranged" IS NOT DISTINCT
                             FROM (c.after->>'ranged')::boolean)
                        AND (NOT jsonb_exists(c.after, 'results')
                             OR u1."results" IS NOT DISTINCT
                             FROM (c.after->>'results')::jsonb)
                        AND (NOT jsonb_exists(c.after, 'passing_score')
                             OR u1."passing_score" IS NOT DISTINCT
                             FROM (c.after->>'passing_score')::text)
                        AND (NOT jsonb_exists(c.after, 'comments')
                             OR u1."comments" IS NOT DISTINCT
                             FROM (c.after->>'comments')::text)
                        AND (NOT jsonb_exists(c.after, 'shown_to_families')
                             OR u1."shown_to_families" IS NOT DISTINCT
                             FROM (c.after->>'shown_to_families')::boolean)
                        OR u1.parent_id IS NOT DISTINCT
                        FROM (c.after->>'parent_id')::bigint
                        AND u1.state_code = c.after->>'state_code'
                        AND (u1.parent_id IS NOT NULL
                             OR u1.name = c.after->>'name')) THEN 'done'
              WHEN u1."id" IS NOT NULL THEN 'taken'
              WHEN u2."id" IS NOT NULL
                   AND ((NOT jsonb_exists(c.after, 'parent_id')
                         OR u2."parent_id" IS NOT DISTINCT
                         FROM (c.after->>'parent_id')::bigint)
                        AND (NOT jsonb_exists(c.after, 'state_code')
                             OR u2."state_code" IS NOT DISTINCT
                             FROM (c.after->>'state_code')::text)
                        AND (NOT jsonb_exists(c.after, 'name')
                             OR u2."name" IS NOT DISTINCT
                             FROM (c.after->>'name')::text)
                        AND (NOT jsonb_exists(c.after, 'score_type')
                             OR u2."score_type" IS NOT DISTINCT
                             FROM (c.after->>'score_type')::text)
                        AND (NOT jsonb_exists(c.after, 'position')
                             OR u2."position" IS NOT DISTINCT
                             FROM (c.after->>'position')::smallint)
                        AND (NOT jsonb_exists(c.after, 'start_date')
                             OR u2."start_date" IS NOT DISTINCT
                             FROM (c.after->>'start_date')::date)
                        AND (NOT jsonb_exists(c.after, 'first_year')
                             OR u2."first_year" IS NOT DISTINCT
                             FROM (c.after->>'first_year')::smallint)
                        AND (NOT jsonb_exists(c.after, 'last_year')
                             OR u2."last_year" IS NOT DISTINCT
                             FROM (c.after->>'last_year')::smallint)
                        AND (NOT jsonb_exists(c.after, 'preferred')
                             OR u2."preferred" IS NOT DISTINCT
                             FROM (c.after->>'preferred')::boolean)
                        AND (NOT jsonb_exists(c.after, 'ranged')
                             OR u2."ranged" IS NOT DISTINCT
                             FROM (c.after->>'ranged')::boolean)
                        AND (NOT jsonb_exists(c.after, 'results')
                             OR u2."results" IS NOT DISTINCT
                             FROM (c.after->>'results')::jsonb)
                        AND (NOT jsonb_exists(c.after, 'passing_score')
                             OR u2."passing_score" IS NOT DISTINCT
                             FROM (c.after->>'passing_score')::text)
                        AND (NOT jsonb_exists(c.after, 'comments')
                             OR u2."comments" IS NOT DISTINCT
                             FROM (c.after->>'comments')::text)
                        AND (NOT jsonb_exists(c.after, 'shown_to_families')
                             OR u2."shown_to_families" IS NOT DISTINCT
                             FROM (c.after->>'shown_to_families')::boolean)
                        OR u2.parent_id IS NOT DISTINCT
                        FROM (c.after->>'parent_id')::bigint
                        AND u2.state_code = c.after->>'state_code'
                        AND (u2.parent_id IS NOT NULL
                             OR u2.name = c.after->>'name')) THEN 'done'
              WHEN u2."id" IS NOT NULL THEN 'taken'
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
              WHEN c.guard IS NOT NULL
                   AND s.identity_hash IS DISTINCT
                   FROM c.guard THEN 'changed'
          END AS reason
   FROM imports_importchange c
   LEFT JOIN students_student s ON s.id = c.student_id
   LEFT JOIN
     (SELECT *
      FROM "assessments_assessment") u0 ON u0."id" = c.object_id
   AND NOT EXISTS
     (SELECT 1
      FROM imports_importchange m
      WHERE m.run_id = 1
        AND m.kind = 'assessment'
        AND m.before IS NOT NULL
        AND m.object_id = u0."id"
        AND NOT EXISTS
          (SELECT 1
           FROM imports_setaside sa
           WHERE sa.run_id = 2
             AND sa.line = m.line
             AND sa.seq = m.seq
             AND sa.reason <> 'done'))
   LEFT JOIN
     (SELECT *
      FROM "assessments_assessment"
      WHERE "parent_id" IS NULL) u1 ON u1."state_code" = (c.after->>'state_code')::text
   AND u1."name" = (c.after->>'name')::text
   AND ((c.after->>'parent_id')::bigint IS NULL)
   AND NOT EXISTS
     (SELECT 1
      FROM imports_importchange m
      WHERE m.run_id = 1
        AND m.kind = 'assessment'
        AND m.before IS NOT NULL
        AND m.object_id = u1."id"
        AND NOT EXISTS
          (SELECT 1
           FROM imports_setaside sa
           WHERE sa.run_id = 2
             AND sa.line = m.line
             AND sa.seq = m.seq
             AND sa.reason <> 'done'))
   LEFT JOIN
     (SELECT *
      FROM "assessments_assessment") u2 ON u2."parent_id" = (c.after->>'parent_id')::bigint
   AND u2."state_code" = (c.after->>'state_code')::text
   AND NOT EXISTS
     (SELECT 1
      FROM imports_importchange m
      WHERE m.run_id = 1
        AND m.kind = 'assessment'
        AND m.before IS NOT NULL
        AND m.object_id = u2."id"
        AND NOT EXISTS
          (SELECT 1
           FROM imports_setaside sa
           WHERE sa.run_id = 2
             AND sa.line = m.line
             AND sa.seq = m.seq
             AND sa.reason <> 'done'))
   WHERE c.run_id = 1
     AND c.kind = 'assessment'
     AND c.line = 0
     AND c.before IS NULL) AS q
WHERE q.reason IS NOT NULL
ORDER BY q.line,
         q.seq,
         q.reason ON CONFLICT DO NOTHING;

-- What still holds is written. (Without the last NOT EXISTS when nothing was set aside.)
INSERT INTO "assessments_assessment" ("id",
                                      "parent_id",
                                      "state_code",
                                      "name",
                                      "score_type",
                                      "position",
                                      "start_date",
                                      "first_year",
                                      "last_year",
                                      "preferred",
                                      "ranged",
                                      "results",
                                      "passing_score",
                                      "comments",
                                      "shown_to_families")
SELECT c.object_id,
       (c.after->>'parent_id')::bigint,
       (c.after->>'state_code')::text,
       (c.after->>'name')::text,
       (c.after->>'score_type')::text,
       (c.after->>'position')::smallint,
       (c.after->>'start_date')::date,
       (c.after->>'first_year')::smallint,
       (c.after->>'last_year')::smallint,
       coalesce((c.after->>'preferred')::boolean, false),
       coalesce((c.after->>'ranged')::boolean, true),
       (c.after->>'results')::jsonb,
       coalesce((c.after->>'passing_score')::text, ''),
       coalesce((c.after->>'comments')::text, ''),
       coalesce((c.after->>'shown_to_families')::boolean, false)
FROM imports_importchange c
WHERE c.run_id = 1
  AND c.kind = 'assessment'
  AND c.line = 0
  AND c.before IS NULL
  AND NOT EXISTS
    (SELECT 1
     FROM imports_setaside a
     WHERE a.run_id = 2
       AND a.line = c.line
       AND a.seq = c.seq)
ORDER BY c.student_id,
         c.line,
         c.seq;

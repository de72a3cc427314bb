-- State result: update. Run 2 applies the plan of run 1. Written by tests/imports/test_change_sql.py.

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
              WHEN ((NOT jsonb_exists(c.after, 'key')
                     OR t."key" IS NOT DISTINCT
                     FROM (c.after->>'key')::text)
                    AND (NOT jsonb_exists(c.after, 'place')
                         OR t."place" IS NOT DISTINCT
                         FROM (c.after->>'place')::text)
                    AND (NOT jsonb_exists(c.after, 'test')
                         OR t."test" IS NOT DISTINCT
                         FROM (c.after->>'test')::text)
                    AND (NOT jsonb_exists(c.after, 'school_year')
                         OR t."school_year" IS NOT DISTINCT
                         FROM (c.after->>'school_year')::smallint)
                    AND (NOT jsonb_exists(c.after, 'student_group')
                         OR t."student_group" IS NOT DISTINCT
                         FROM (c.after->>'student_group')::text)
                    AND (NOT jsonb_exists(c.after, 'grade')
                         OR t."grade" IS NOT DISTINCT
                         FROM (c.after->>'grade')::text)
                    AND (NOT jsonb_exists(c.after, 'enrolled')
                         OR t."enrolled" IS NOT DISTINCT
                         FROM (c.after->>'enrolled')::text)
                    AND (NOT jsonb_exists(c.after, 'tested')
                         OR t."tested" IS NOT DISTINCT
                         FROM (c.after->>'tested')::text)
                    AND (NOT jsonb_exists(c.after, 'scored')
                         OR t."scored" IS NOT DISTINCT
                         FROM (c.after->>'scored')::text)
                    AND (NOT jsonb_exists(c.after, 'mean')
                         OR t."mean" IS NOT DISTINCT
                         FROM (c.after->>'mean')::text)
                    AND (NOT jsonb_exists(c.after, 'level_1')
                         OR t."level_1" IS NOT DISTINCT
                         FROM (c.after->>'level_1')::text)
                    AND (NOT jsonb_exists(c.after, 'level_2')
                         OR t."level_2" IS NOT DISTINCT
                         FROM (c.after->>'level_2')::text)
                    AND (NOT jsonb_exists(c.after, 'level_3')
                         OR t."level_3" IS NOT DISTINCT
                         FROM (c.after->>'level_3')::text)
                    AND (NOT jsonb_exists(c.after, 'level_4')
                         OR t."level_4" IS NOT DISTINCT
                         FROM (c.after->>'level_4')::text)
                    AND (NOT jsonb_exists(c.after, 'met')
                         OR t."met" IS NOT DISTINCT
                         FROM (c.after->>'met')::text)) THEN 'done'
              WHEN NOT ((NOT jsonb_exists(c.before, 'key')
                         OR t."key" IS NOT DISTINCT
                         FROM (c.before->>'key')::text)
                        AND (NOT jsonb_exists(c.before, 'place')
                             OR t."place" IS NOT DISTINCT
                             FROM (c.before->>'place')::text)
                        AND (NOT jsonb_exists(c.before, 'test')
                             OR t."test" IS NOT DISTINCT
                             FROM (c.before->>'test')::text)
                        AND (NOT jsonb_exists(c.before, 'school_year')
                             OR t."school_year" IS NOT DISTINCT
                             FROM (c.before->>'school_year')::smallint)
                        AND (NOT jsonb_exists(c.before, 'student_group')
                             OR t."student_group" IS NOT DISTINCT
                             FROM (c.before->>'student_group')::text)
                        AND (NOT jsonb_exists(c.before, 'grade')
                             OR t."grade" IS NOT DISTINCT
                             FROM (c.before->>'grade')::text)
                        AND (NOT jsonb_exists(c.before, 'enrolled')
                             OR t."enrolled" IS NOT DISTINCT
                             FROM (c.before->>'enrolled')::text)
                        AND (NOT jsonb_exists(c.before, 'tested')
                             OR t."tested" IS NOT DISTINCT
                             FROM (c.before->>'tested')::text)
                        AND (NOT jsonb_exists(c.before, 'scored')
                             OR t."scored" IS NOT DISTINCT
                             FROM (c.before->>'scored')::text)
                        AND (NOT jsonb_exists(c.before, 'mean')
                             OR t."mean" IS NOT DISTINCT
                             FROM (c.before->>'mean')::text)
                        AND (NOT jsonb_exists(c.before, 'level_1')
                             OR t."level_1" IS NOT DISTINCT
                             FROM (c.before->>'level_1')::text)
                        AND (NOT jsonb_exists(c.before, 'level_2')
                             OR t."level_2" IS NOT DISTINCT
                             FROM (c.before->>'level_2')::text)
                        AND (NOT jsonb_exists(c.before, 'level_3')
                             OR t."level_3" IS NOT DISTINCT
                             FROM (c.before->>'level_3')::text)
                        AND (NOT jsonb_exists(c.before, 'level_4')
                             OR t."level_4" IS NOT DISTINCT
                             FROM (c.before->>'level_4')::text)
                        AND (NOT jsonb_exists(c.before, 'met')
                             OR t."met" IS NOT DISTINCT
                             FROM (c.before->>'met')::text)) THEN 'changed'
              WHEN c.guard IS NOT NULL
                   AND s.identity_hash IS DISTINCT
                   FROM c.guard THEN 'changed'
              WHEN (jsonb_exists(c.after, 'key'))
                   AND EXISTS
                     (SELECT 1
                      FROM
                        (SELECT *
                         FROM "assessments_publicresult") o
                      WHERE o."key" = coalesce((c.after->>'key')::text, t."key")
                        AND o."id" <> c.object_id
                        AND o."id" NOT IN
                          (SELECT m.object_id
                           FROM imports_importchange m
                           WHERE m.run_id = 1
                             AND m.kind = 'public_result'
                             AND m.before IS NOT NULL
                             AND NOT EXISTS
                               (SELECT 1
                                FROM imports_setaside sa
                                WHERE sa.run_id = 2
                                  AND sa.line = m.line
                                  AND sa.seq = m.seq
                                  AND sa.reason <> 'done'))) THEN 'taken'
          END AS reason
   FROM imports_importchange c
   LEFT JOIN students_student s ON s.id = c.student_id
   LEFT JOIN "assessments_publicresult" t ON t."id" = c.object_id
   WHERE c.run_id = 1
     AND c.kind = 'public_result'
     AND c.before IS NOT NULL
     AND c.after IS NOT NULL) AS q
WHERE q.reason IS NOT NULL
ORDER BY q.line,
         q.seq,
         q.reason ON CONFLICT DO NOTHING;

-- What still holds is written. (Without the last NOT EXISTS when nothing was set aside.)
UPDATE "assessments_publicresult" t
SET "key" = CASE
                WHEN jsonb_exists(c.after, 'key') THEN (c.after->>'key')::text
                ELSE t."key"
            END,
            "place" = CASE
                          WHEN jsonb_exists(c.after, 'place') THEN (c.after->>'place')::text
                          ELSE t."place"
                      END,
                      "test" = CASE
                                   WHEN jsonb_exists(c.after, 'test') THEN (c.after->>'test')::text
                                   ELSE t."test"
                               END,
                               "school_year" = CASE
                                                   WHEN jsonb_exists(c.after, 'school_year') THEN (c.after->>'school_year')::smallint
                                                   ELSE t."school_year"
                                               END,
                                               "student_group" = CASE
                                                                     WHEN jsonb_exists(c.after, 'student_group') THEN (c.after->>'student_group')::text
                                                                     ELSE t."student_group"
                                                                 END,
                                                                 "grade" = CASE
                                                                               WHEN jsonb_exists(c.after, 'grade') THEN (c.after->>'grade')::text
                                                                               ELSE t."grade"
                                                                           END,
                                                                           "enrolled" = CASE
                                                                                            WHEN jsonb_exists(c.after, 'enrolled') THEN (c.after->>'enrolled')::text
                                                                                            ELSE t."enrolled"
                                                                                        END,
                                                                                        "tested" = CASE
                                                                                                       WHEN jsonb_exists(c.after, 'tested') THEN (c.after->>'tested')::text
                                                                                                       ELSE t."tested"
                                                                                                   END,
                                                                                                   "scored" = CASE
                                                                                                                  WHEN jsonb_exists(c.after, 'scored') THEN (c.after->>'scored')::text
                                                                                                                  ELSE t."scored"
                                                                                                              END,
                                                                                                              "mean" = CASE
                                                                                                                           WHEN jsonb_exists(c.after, 'mean') THEN (c.after->>'mean')::text
                                                                                                                           ELSE t."mean"
                                                                                                                       END,
                                                                                                                       "level_1" = CASE
                                                                                                                                       WHEN jsonb_exists(c.after, 'level_1') THEN (c.after->>'level_1')::text
                                                                                                                                       ELSE t."level_1"
                                                                                                                                   END,
                                                                                                                                   "level_2" = CASE
                                                                                                                                                   WHEN jsonb_exists(c.after, 'level_2') THEN (c.after->>'level_2')::text
                                                                                                                                                   ELSE t."level_2"
                                                                                                                                               END,
                                                                                                                                               "level_3" = CASE
                                                                                                                                                               WHEN jsonb_exists(c.after, 'level_3') THEN (c.after->>'level_3')::text
                                                                                                                                                               ELSE t."level_3"
                                                                                                                                                           END,
                                                                                                                                                           "level_4" = CASE
                                                                                                                                                                           WHEN jsonb_exists(c.after, 'level_4') THEN (c.after->>'level_4')::text
                                                                                                                                                                           ELSE t."level_4"
                                                                                                                                                                       END,
                                                                                                                                                                       "met" = CASE
                                                                                                                                                                                   WHEN jsonb_exists(c.after, 'met') THEN (c.after->>'met')::text
                                                                                                                                                                                   ELSE t."met"
                                                                                                                                                                               END
FROM imports_importchange c
WHERE t."id" = c.object_id
  AND c.run_id = 1
  AND c.kind = 'public_result'
  AND c.before IS NOT NULL
  AND c.after IS NOT NULL
  AND NOT EXISTS
    (SELECT 1
     FROM imports_setaside a
     WHERE a.run_id = 2
       AND a.line = c.line
       AND a.seq = c.seq);

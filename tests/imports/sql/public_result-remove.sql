-- State result: remove. Run 2 applies the plan of run 1. Written by tests/imports/test_change_sql.py.

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
              WHEN t."id" IS NULL THEN 'done'
              WHEN NOT (t."key" IS NOT DISTINCT
                        FROM (c.before->>'key')::text
                        AND t."place" IS NOT DISTINCT
                        FROM (c.before->>'place')::text
                        AND t."test" IS NOT DISTINCT
                        FROM (c.before->>'test')::text
                        AND t."school_year" IS NOT DISTINCT
                        FROM (c.before->>'school_year')::smallint
                        AND t."student_group" IS NOT DISTINCT
                        FROM (c.before->>'student_group')::text
                        AND t."grade" IS NOT DISTINCT
                        FROM (c.before->>'grade')::text
                        AND t."enrolled" IS NOT DISTINCT
                        FROM coalesce((c.before->>'enrolled')::text, '')
                        AND t."tested" IS NOT DISTINCT
                        FROM coalesce((c.before->>'tested')::text, '')
                        AND t."scored" IS NOT DISTINCT
                        FROM coalesce((c.before->>'scored')::text, '')
                        AND t."mean" IS NOT DISTINCT
                        FROM coalesce((c.before->>'mean')::text, '')
                        AND t."level_1" IS NOT DISTINCT
                        FROM coalesce((c.before->>'level_1')::text, '')
                        AND t."level_2" IS NOT DISTINCT
                        FROM coalesce((c.before->>'level_2')::text, '')
                        AND t."level_3" IS NOT DISTINCT
                        FROM coalesce((c.before->>'level_3')::text, '')
                        AND t."level_4" IS NOT DISTINCT
                        FROM coalesce((c.before->>'level_4')::text, '')
                        AND t."met" IS NOT DISTINCT
                        FROM coalesce((c.before->>'met')::text, '')) THEN 'changed'
          END AS reason
   FROM imports_importchange c
   LEFT JOIN students_student s ON s.id = c.student_id
   LEFT JOIN "assessments_publicresult" t ON t."id" = c.object_id
   WHERE c.run_id = 1
     AND c.kind = 'public_result'
     AND c.after IS NULL) AS q
WHERE q.reason IS NOT NULL
ORDER BY q.line,
         q.seq,
         q.reason ON CONFLICT DO NOTHING;

-- What still holds is written. (Without the last NOT EXISTS when nothing was set aside.)
DELETE
FROM "assessments_publicresult" t USING imports_importchange c
WHERE t."id" = c.object_id
  AND c.run_id = 1
  AND c.kind = 'public_result'
  AND c.after IS NULL
  AND NOT EXISTS
    (SELECT 1
     FROM imports_setaside a
     WHERE a.run_id = 2
       AND a.line = c.line
       AND a.seq = c.seq);

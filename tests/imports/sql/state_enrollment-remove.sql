-- Enrollment at the state: remove. Run 2 applies the plan of run 1. Written by tests/imports/test_change_sql.py.

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
              WHEN t."student_id" IS NULL THEN 'done'
              WHEN NOT (t."lea_code" IS NOT DISTINCT
                        FROM coalesce((c.before->>'lea_code')::text, '')
                        AND t."school_code" IS NOT DISTINCT
                        FROM coalesce((c.before->>'school_code')::text, '')
                        AND t."grade" IS NOT DISTINCT
                        FROM coalesce((c.before->>'grade')::text, '')
                        AND t."status" IS NOT DISTINCT
                        FROM coalesce((c.before->>'status')::text, '')
                        AND t."exit_reason" IS NOT DISTINCT
                        FROM coalesce((c.before->>'exit_reason')::text, '')
                        AND t."start_date" IS NOT DISTINCT
                        FROM (c.before->>'start_date')::date
                        AND t."exit_date" IS NOT DISTINCT
                        FROM (c.before->>'exit_date')::date) THEN 'changed'
          END AS reason
   FROM imports_importchange c
   LEFT JOIN students_student s ON s.id = c.student_id
   LEFT JOIN "students_stateenrollment" t ON t."student_id" = c.object_id
   WHERE c.run_id = 1
     AND c.kind = 'state_enrollment'
     AND c.after IS NULL) AS q
WHERE q.reason IS NOT NULL
ORDER BY q.line,
         q.seq,
         q.reason ON CONFLICT DO NOTHING;

-- What still holds is written. (Without the last NOT EXISTS when nothing was set aside.)
DELETE
FROM "students_stateenrollment" t USING imports_importchange c
WHERE t."student_id" = c.object_id
  AND c.run_id = 1
  AND c.kind = 'state_enrollment'
  AND c.after IS NULL
  AND NOT EXISTS
    (SELECT 1
     FROM imports_setaside a
     WHERE a.run_id = 2
       AND a.line = c.line
       AND a.seq = c.seq);

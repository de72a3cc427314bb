-- Enrollment at the state: update. Run 2 applies the plan of run 1. Written by tests/imports/test_change_sql.py.

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
              WHEN t."student_id" IS NULL THEN 'changed'
              WHEN ((NOT jsonb_exists(c.after, 'lea_code')
                     OR t."lea_code" IS NOT DISTINCT
                     FROM (c.after->>'lea_code')::text)
                    AND (NOT jsonb_exists(c.after, 'school_code')
                         OR t."school_code" IS NOT DISTINCT
                         FROM (c.after->>'school_code')::text)
                    AND (NOT jsonb_exists(c.after, 'grade')
                         OR t."grade" IS NOT DISTINCT
                         FROM (c.after->>'grade')::text)
                    AND (NOT jsonb_exists(c.after, 'status')
                         OR t."status" IS NOT DISTINCT
                         FROM (c.after->>'status')::text)
                    AND (NOT jsonb_exists(c.after, 'exit_reason')
                         OR t."exit_reason" IS NOT DISTINCT
                         FROM (c.after->>'exit_reason')::text)
                    AND (NOT jsonb_exists(c.after, 'start_date')
                         OR t."start_date" IS NOT DISTINCT
                         FROM (c.after->>'start_date')::date)
                    AND (NOT jsonb_exists(c.after, 'exit_date')
                         OR t."exit_date" IS NOT DISTINCT
                         FROM (c.after->>'exit_date')::date)) THEN 'done'
              WHEN NOT ((NOT jsonb_exists(c.before, 'lea_code')
                         OR t."lea_code" IS NOT DISTINCT
                         FROM (c.before->>'lea_code')::text)
                        AND (NOT jsonb_exists(c.before, 'school_code')
                             OR t."school_code" IS NOT DISTINCT
                             FROM (c.before->>'school_code')::text)
                        AND (NOT jsonb_exists(c.before, 'grade')
                             OR t."grade" IS NOT DISTINCT
                             FROM (c.before->>'grade')::text)
                        AND (NOT jsonb_exists(c.before, 'status')
                             OR t."status" IS NOT DISTINCT
                             FROM (c.before->>'status')::text)
                        AND (NOT jsonb_exists(c.before, 'exit_reason')
                             OR t."exit_reason" IS NOT DISTINCT
                             FROM (c.before->>'exit_reason')::text)
                        AND (NOT jsonb_exists(c.before, 'start_date')
                             OR t."start_date" IS NOT DISTINCT
                             FROM (c.before->>'start_date')::date)
                        AND (NOT jsonb_exists(c.before, 'exit_date')
                             OR t."exit_date" IS NOT DISTINCT
                             FROM (c.before->>'exit_date')::date)) THEN 'changed'
              WHEN c.guard IS NOT NULL
                   AND s.identity_hash IS DISTINCT
                   FROM c.guard THEN 'changed'
          END AS reason
   FROM imports_importchange c
   LEFT JOIN students_student s ON s.id = c.student_id
   LEFT JOIN "students_stateenrollment" t ON t."student_id" = c.object_id
   WHERE c.run_id = 1
     AND c.kind = 'state_enrollment'
     AND c.before IS NOT NULL
     AND c.after IS NOT NULL) AS q
WHERE q.reason IS NOT NULL
ORDER BY q.line,
         q.seq,
         q.reason ON CONFLICT DO NOTHING;

-- What still holds is written. (Without the last NOT EXISTS when nothing was set aside.)
UPDATE "students_stateenrollment" t
SET "lea_code" = CASE
                     WHEN jsonb_exists(c.after, 'lea_code') THEN (c.after->>'lea_code')::text
                     ELSE t."lea_code"
                 END,
                 "school_code" = CASE
                                     WHEN jsonb_exists(c.after, 'school_code') THEN (c.after->>'school_code')::text
                                     ELSE t."school_code"
                                 END,
                                 "grade" = CASE
                                               WHEN jsonb_exists(c.after, 'grade') THEN (c.after->>'grade')::text
                                               ELSE t."grade"
                                           END,
                                           "status" = CASE
                                                          WHEN jsonb_exists(c.after, 'status') THEN (c.after->>'status')::text
                                                          ELSE t."status"
                                                      END,
                                                      "exit_reason" = CASE
                                                                          WHEN jsonb_exists(c.after, 'exit_reason') THEN (c.after->>'exit_reason')::text
                                                                          ELSE t."exit_reason"
                                                                      END,
                                                                      "start_date" = CASE
                                                                                         WHEN jsonb_exists(c.after, 'start_date') THEN (c.after->>'start_date')::date
                                                                                         ELSE t."start_date"
                                                                                     END,
                                                                                     "exit_date" = CASE
                                                                                                       WHEN jsonb_exists(c.after, 'exit_date') THEN (c.after->>'exit_date')::date
                                                                                                       ELSE t."exit_date"
                                                                                                   END
FROM imports_importchange c
WHERE t."student_id" = c.object_id
  AND c.run_id = 1
  AND c.kind = 'state_enrollment'
  AND c.before IS NOT NULL
  AND c.after IS NOT NULL
  AND NOT EXISTS
    (SELECT 1
     FROM imports_setaside a
     WHERE a.run_id = 2
       AND a.line = c.line
       AND a.seq = c.seq);

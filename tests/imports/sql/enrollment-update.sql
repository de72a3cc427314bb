-- Enrollment: update. Run 2 applies the plan of run 1. Written by tests/imports/test_change_sql.py.

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
              WHEN ((NOT jsonb_exists(c.after, 'school_id')
                     OR t."school_id" IS NOT DISTINCT
                     FROM (c.after->>'school_id')::bigint)
                    AND (NOT jsonb_exists(c.after, 'grade')
                         OR t."grade" IS NOT DISTINCT
                         FROM (c.after->>'grade')::text)
                    AND (NOT jsonb_exists(c.after, 'start_date')
                         OR t."start_date" IS NOT DISTINCT
                         FROM (c.after->>'start_date')::date)
                    AND (NOT jsonb_exists(c.after, 'exit_date')
                         OR t."exit_date" IS NOT DISTINCT
                         FROM (c.after->>'exit_date')::date)
                    AND (NOT jsonb_exists(c.after, 'exit_reason')
                         OR t."exit_reason" IS NOT DISTINCT
                         FROM (c.after->>'exit_reason')::text)) THEN 'done'
              WHEN NOT ((NOT jsonb_exists(c.before, 'school_id')
                         OR t."school_id" IS NOT DISTINCT
                         FROM (c.before->>'school_id')::bigint)
                        AND (NOT jsonb_exists(c.before, 'grade')
                             OR t."grade" IS NOT DISTINCT
                             FROM (c.before->>'grade')::text)
                        AND (NOT jsonb_exists(c.before, 'start_date')
                             OR t."start_date" IS NOT DISTINCT
                             FROM (c.before->>'start_date')::date)
                        AND (NOT jsonb_exists(c.before, 'exit_date')
                             OR t."exit_date" IS NOT DISTINCT
                             FROM (c.before->>'exit_date')::date)
                        AND (NOT jsonb_exists(c.before, 'exit_reason')
                             OR t."exit_reason" IS NOT DISTINCT
                             FROM (c.before->>'exit_reason')::text)) THEN 'changed'
              WHEN c.guard IS NOT NULL
                   AND s.identity_hash IS DISTINCT
                   FROM c.guard THEN 'changed'
              WHEN (jsonb_exists(c.after, 'school_id')
                    OR jsonb_exists(c.after, 'start_date'))
                   AND EXISTS
                     (SELECT 1
                      FROM
                        (SELECT *
                         FROM "students_enrollment") o
                      WHERE o."student_id" = coalesce(c.student_id, t."student_id")
                        AND o."school_id" = coalesce((c.after->>'school_id')::bigint, t."school_id")
                        AND o."start_date" = coalesce((c.after->>'start_date')::date, t."start_date")
                        AND o."id" <> c.object_id
                        AND o."id" NOT IN
                          (SELECT m.object_id
                           FROM imports_importchange m
                           WHERE m.run_id = 1
                             AND m.kind = 'enrollment'
                             AND m.before IS NOT NULL
                             AND NOT EXISTS
                               (SELECT 1
                                FROM imports_setaside sa
                                WHERE sa.run_id = 2
                                  AND sa.line = m.line
                                  AND sa.seq = m.seq
                                  AND sa.reason <> 'done'))) THEN 'taken'
              WHEN (c.after->>'school_id')::bigint IS NOT NULL
                   AND NOT EXISTS
                     (SELECT 1
                      FROM "students_school" p
                      WHERE p."id" = (c.after->>'school_id')::bigint)
                   AND NOT EXISTS
                     (SELECT 1
                      FROM imports_importchange pc
                      WHERE pc.run_id = 1
                        AND pc.kind = 'school'
                        AND pc.before IS NULL
                        AND pc.object_id = (c.after->>'school_id')::bigint
                        AND NOT EXISTS
                          (SELECT 1
                           FROM imports_setaside ps
                           WHERE ps.run_id = 2
                             AND ps.line = pc.line
                             AND ps.seq = pc.seq)) THEN 'changed'
          END AS reason
   FROM imports_importchange c
   LEFT JOIN students_student s ON s.id = c.student_id
   LEFT JOIN "students_enrollment" t ON t."id" = c.object_id
   WHERE c.run_id = 1
     AND c.kind = 'enrollment'
     AND c.before IS NOT NULL
     AND c.after IS NOT NULL) AS q
WHERE q.reason IS NOT NULL
ORDER BY q.line,
         q.seq,
         q.reason ON CONFLICT DO NOTHING;

-- What still holds is written. (Without the last NOT EXISTS when nothing was set aside.)
UPDATE "students_enrollment" t
SET "school_id" = CASE
                      WHEN jsonb_exists(c.after, 'school_id') THEN (c.after->>'school_id')::bigint
                      ELSE t."school_id"
                  END,
                  "grade" = CASE
                                WHEN jsonb_exists(c.after, 'grade') THEN (c.after->>'grade')::text
                                ELSE t."grade"
                            END,
                            "start_date" = CASE
                                               WHEN jsonb_exists(c.after, 'start_date') THEN (c.after->>'start_date')::date
                                               ELSE t."start_date"
                                           END,
                                           "exit_date" = CASE
                                                             WHEN jsonb_exists(c.after, 'exit_date') THEN (c.after->>'exit_date')::date
                                                             ELSE t."exit_date"
                                                         END,
                                                         "exit_reason" = CASE
                                                                             WHEN jsonb_exists(c.after, 'exit_reason') THEN (c.after->>'exit_reason')::text
                                                                             ELSE t."exit_reason"
                                                                         END
FROM imports_importchange c
WHERE t."id" = c.object_id
  AND c.run_id = 1
  AND c.kind = 'enrollment'
  AND c.before IS NOT NULL
  AND c.after IS NOT NULL
  AND NOT EXISTS
    (SELECT 1
     FROM imports_setaside a
     WHERE a.run_id = 2
       AND a.line = c.line
       AND a.seq = c.seq);

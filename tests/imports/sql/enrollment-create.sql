-- Enrollment: create. Run 2 applies the plan of run 1. Written by tests/imports/test_change_sql.py.

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
                   AND (NOT jsonb_exists(c.after, 'school_id')
                        OR u0."school_id" IS NOT DISTINCT
                        FROM (c.after->>'school_id')::bigint)
                   AND (NOT jsonb_exists(c.after, 'grade')
                        OR u0."grade" IS NOT DISTINCT
                        FROM (c.after->>'grade')::text)
                   AND (NOT jsonb_exists(c.after, 'start_date')
                        OR u0."start_date" IS NOT DISTINCT
                        FROM (c.after->>'start_date')::date)
                   AND (NOT jsonb_exists(c.after, 'exit_date')
                        OR u0."exit_date" IS NOT DISTINCT
                        FROM (c.after->>'exit_date')::date)
                   AND (NOT jsonb_exists(c.after, 'exit_reason')
                        OR u0."exit_reason" IS NOT DISTINCT
                        FROM (c.after->>'exit_reason')::text)
                   AND u0."student_id" = c.student_id THEN 'done'
              WHEN u0."id" IS NOT NULL THEN 'taken'
              WHEN u1."id" IS NOT NULL
                   AND (NOT jsonb_exists(c.after, 'school_id')
                        OR u1."school_id" IS NOT DISTINCT
                        FROM (c.after->>'school_id')::bigint)
                   AND (NOT jsonb_exists(c.after, 'grade')
                        OR u1."grade" IS NOT DISTINCT
                        FROM (c.after->>'grade')::text)
                   AND (NOT jsonb_exists(c.after, 'start_date')
                        OR u1."start_date" IS NOT DISTINCT
                        FROM (c.after->>'start_date')::date)
                   AND (NOT jsonb_exists(c.after, 'exit_date')
                        OR u1."exit_date" IS NOT DISTINCT
                        FROM (c.after->>'exit_date')::date)
                   AND (NOT jsonb_exists(c.after, 'exit_reason')
                        OR u1."exit_reason" IS NOT DISTINCT
                        FROM (c.after->>'exit_reason')::text)
                   AND u1."student_id" = c.student_id THEN 'done'
              WHEN u1."id" IS NOT NULL THEN 'taken'
              WHEN c.student_id IS NOT NULL
                   AND NOT EXISTS
                     (SELECT 1
                      FROM "students_student" p
                      WHERE p."id" = c.student_id)
                   AND NOT EXISTS
                     (SELECT 1
                      FROM imports_importchange pc
                      WHERE pc.run_id = 1
                        AND pc.kind = 'student'
                        AND pc.before IS NULL
                        AND pc.object_id = c.student_id
                        AND NOT EXISTS
                          (SELECT 1
                           FROM imports_setaside ps
                           WHERE ps.run_id = 2
                             AND ps.line = pc.line
                             AND ps.seq = pc.seq)) THEN 'changed'
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
              WHEN c.guard IS NOT NULL
                   AND s.identity_hash IS DISTINCT
                   FROM c.guard THEN 'changed'
          END AS reason
   FROM imports_importchange c
   LEFT JOIN students_student s ON s.id = c.student_id
   LEFT JOIN
     (SELECT *
      FROM "students_enrollment") u0 ON u0."id" = c.object_id
   AND NOT EXISTS
     (SELECT 1
      FROM imports_importchange m
      WHERE m.run_id = 1
        AND m.kind = 'enrollment'
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
      FROM "students_enrollment") u1 ON u1."student_id" = c.student_id
   AND u1."school_id" = (c.after->>'school_id')::bigint
   AND u1."start_date" = (c.after->>'start_date')::date
   AND NOT EXISTS
     (SELECT 1
      FROM imports_importchange m
      WHERE m.run_id = 1
        AND m.kind = 'enrollment'
        AND m.before IS NOT NULL
        AND m.object_id = u1."id"
        AND NOT EXISTS
          (SELECT 1
           FROM imports_setaside sa
           WHERE sa.run_id = 2
             AND sa.line = m.line
             AND sa.seq = m.seq
             AND sa.reason <> 'done'))
   WHERE c.run_id = 1
     AND c.kind = 'enrollment'
     AND c.before IS NULL) AS q
WHERE q.reason IS NOT NULL
ORDER BY q.line,
         q.seq,
         q.reason ON CONFLICT DO NOTHING;

-- What still holds is written. (Without the last NOT EXISTS when nothing was set aside.)
INSERT INTO "students_enrollment" ("id",
                                   "student_id",
                                   "school_id",
                                   "grade",
                                   "start_date",
                                   "exit_date",
                                   "exit_reason")
SELECT c.object_id,
       c.student_id,
       (c.after->>'school_id')::bigint,
       coalesce((c.after->>'grade')::text, ''),
       (c.after->>'start_date')::date,
       (c.after->>'exit_date')::date,
       coalesce((c.after->>'exit_reason')::text, '')
FROM imports_importchange c
WHERE c.run_id = 1
  AND c.kind = 'enrollment'
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

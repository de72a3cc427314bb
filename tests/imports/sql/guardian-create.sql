-- Guardian: create. Run 2 applies the plan of run 1. Written by tests/imports/test_change_sql.py.

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
                   AND ((NOT jsonb_exists(c.after, 'last_name')
                         OR u0."last_name" IS NOT DISTINCT
                         FROM (c.after->>'last_name')::text)
                        AND (NOT jsonb_exists(c.after, 'first_name')
                             OR u0."first_name" IS NOT DISTINCT
                             FROM (c.after->>'first_name')::text)
                        AND (NOT jsonb_exists(c.after, 'relationship')
                             OR u0."relationship" IS NOT DISTINCT
                             FROM (c.after->>'relationship')::text)
                        AND u0."student_id" = c.student_id
                        OR u0.student_id = c.student_id
                        AND u0.last_name = c.after->>'last_name'
                        AND u0.first_name = c.after->>'first_name') THEN 'done'
              WHEN u0."id" IS NOT NULL THEN 'taken'
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
              WHEN c.guard IS NOT NULL
                   AND s.identity_hash IS DISTINCT
                   FROM c.guard THEN 'changed'
          END AS reason
   FROM imports_importchange c
   LEFT JOIN students_student s ON s.id = c.student_id
   LEFT JOIN
     (SELECT *
      FROM "students_guardian") u0 ON u0."id" = c.object_id
   AND NOT EXISTS
     (SELECT 1
      FROM imports_importchange m
      WHERE m.run_id = 1
        AND m.kind = 'guardian'
        AND m.before IS NOT NULL
        AND m.object_id = u0."id"
        AND NOT EXISTS
          (SELECT 1
           FROM imports_setaside sa
           WHERE sa.run_id = 2
             AND sa.line = m.line
             AND sa.seq = m.seq
             AND sa.reason <> 'done'))
   WHERE c.run_id = 1
     AND c.kind = 'guardian'
     AND c.before IS NULL) AS q
WHERE q.reason IS NOT NULL
ORDER BY q.line,
         q.seq,
         q.reason ON CONFLICT DO NOTHING;

-- What still holds is written. (Without the last NOT EXISTS when nothing was set aside.)
INSERT INTO "students_guardian" ("id",
                                 "student_id",
                                 "last_name",
                                 "first_name",
                                 "relationship")
SELECT c.object_id,
       c.student_id,
       (c.after->>'last_name')::text,
       (c.after->>'first_name')::text,
       coalesce((c.after->>'relationship')::text, '')
FROM imports_importchange c
WHERE c.run_id = 1
  AND c.kind = 'guardian'
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

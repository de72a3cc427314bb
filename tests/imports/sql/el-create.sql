-- EL record: create. Run 2 applies the plan of run 1. Written by tests/imports/test_change_sql.py.

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
              WHEN u0."student_id" IS NOT NULL
                   AND (NOT jsonb_exists(c.after, 'program_status')
                        OR u0."program_status" IS NOT DISTINCT
                        FROM (c.after->>'program_status')::text)
                   AND (NOT jsonb_exists(c.after, 'identified_date')
                        OR u0."identified_date" IS NOT DISTINCT
                        FROM (c.after->>'identified_date')::date)
                   AND (NOT jsonb_exists(c.after, 'tbd_date')
                        OR u0."tbd_date" IS NOT DISTINCT
                        FROM (c.after->>'tbd_date')::date)
                   AND (NOT jsonb_exists(c.after, 'exit_date')
                        OR u0."exit_date" IS NOT DISTINCT
                        FROM (c.after->>'exit_date')::date)
                   AND (NOT jsonb_exists(c.after, 'state_elas')
                        OR u0."state_elas" IS NOT DISTINCT
                        FROM (c.after->>'state_elas')::text)
                   AND (NOT jsonb_exists(c.after, 'state_elas_date')
                        OR u0."state_elas_date" IS NOT DISTINCT
                        FROM (c.after->>'state_elas_date')::date)
                   AND (NOT jsonb_exists(c.after, 'state_language')
                        OR u0."state_language" IS NOT DISTINCT
                        FROM (c.after->>'state_language')::text)
                   AND u0."student_id" = c.student_id THEN 'done'
              WHEN u0."student_id" IS NOT NULL THEN 'taken'
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
      FROM "students_elrecord") u0 ON u0."student_id" = c.student_id
   AND NOT EXISTS
     (SELECT 1
      FROM imports_importchange m
      WHERE m.run_id = 1
        AND m.kind = 'el'
        AND m.before IS NOT NULL
        AND m.object_id = u0."student_id"
        AND NOT EXISTS
          (SELECT 1
           FROM imports_setaside sa
           WHERE sa.run_id = 2
             AND sa.line = m.line
             AND sa.seq = m.seq
             AND sa.reason <> 'done'))
   WHERE c.run_id = 1
     AND c.kind = 'el'
     AND c.before IS NULL) AS q
WHERE q.reason IS NOT NULL
ORDER BY q.line,
         q.seq,
         q.reason ON CONFLICT DO NOTHING;

-- What still holds is written. (Without the last NOT EXISTS when nothing was set aside.)
INSERT INTO "students_elrecord" ("student_id",
                                 "program_status",
                                 "identified_date",
                                 "tbd_date",
                                 "exit_date",
                                 "state_elas",
                                 "state_elas_date",
                                 "state_language")
SELECT c.student_id,
       (c.after->>'program_status')::text,
       (c.after->>'identified_date')::date,
       (c.after->>'tbd_date')::date,
       (c.after->>'exit_date')::date,
       coalesce((c.after->>'state_elas')::text, ''),
       (c.after->>'state_elas_date')::date,
       coalesce((c.after->>'state_language')::text, '')
FROM imports_importchange c
WHERE c.run_id = 1
  AND c.kind = 'el'
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

-- SSID: create. Run 2 applies the plan of run 1. Written by tests/imports/test_change_sql.py.

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
                   AND (NOT jsonb_exists(c.after, 'ssid')
                        OR u0."ssid" IS NOT DISTINCT
                        FROM (c.after->>'ssid')::text)
                   AND (NOT jsonb_exists(c.after, 'state')
                        OR u0."state" IS NOT DISTINCT
                        FROM (c.after->>'state')::text)
                   AND (NOT jsonb_exists(c.after, 'origin')
                        OR u0."origin" IS NOT DISTINCT
                        FROM (c.after->>'origin')::text)
                   AND (NOT jsonb_exists(c.after, 'verified')
                        OR u0."verified" IS NOT DISTINCT
                        FROM (c.after->>'verified')::boolean)
                   AND (NOT jsonb_exists(c.after, 'retired_at')
                        OR u0."retired_at" IS NOT DISTINCT
                        FROM (c.after->>'retired_at')::timestamp with time zone)
                   AND u0."student_id" = c.student_id THEN 'done'
              WHEN u0."id" IS NOT NULL THEN 'taken'
              WHEN u1."id" IS NOT NULL
                   AND (NOT jsonb_exists(c.after, 'ssid')
                        OR u1."ssid" IS NOT DISTINCT
                        FROM (c.after->>'ssid')::text)
                   AND (NOT jsonb_exists(c.after, 'state')
                        OR u1."state" IS NOT DISTINCT
                        FROM (c.after->>'state')::text)
                   AND (NOT jsonb_exists(c.after, 'origin')
                        OR u1."origin" IS NOT DISTINCT
                        FROM (c.after->>'origin')::text)
                   AND (NOT jsonb_exists(c.after, 'verified')
                        OR u1."verified" IS NOT DISTINCT
                        FROM (c.after->>'verified')::boolean)
                   AND (NOT jsonb_exists(c.after, 'retired_at')
                        OR u1."retired_at" IS NOT DISTINCT
                        FROM (c.after->>'retired_at')::timestamp with time zone)
                   AND u1."student_id" = c.student_id THEN 'done'
              WHEN u1."id" IS NOT NULL THEN 'taken'
              WHEN u2."id" IS NOT NULL
                   AND (NOT jsonb_exists(c.after, 'ssid')
                        OR u2."ssid" IS NOT DISTINCT
                        FROM (c.after->>'ssid')::text)
                   AND (NOT jsonb_exists(c.after, 'state')
                        OR u2."state" IS NOT DISTINCT
                        FROM (c.after->>'state')::text)
                   AND (NOT jsonb_exists(c.after, 'origin')
                        OR u2."origin" IS NOT DISTINCT
                        FROM (c.after->>'origin')::text)
                   AND (NOT jsonb_exists(c.after, 'verified')
                        OR u2."verified" IS NOT DISTINCT
                        FROM (c.after->>'verified')::boolean)
                   AND (NOT jsonb_exists(c.after, 'retired_at')
                        OR u2."retired_at" IS NOT DISTINCT
                        FROM (c.after->>'retired_at')::timestamp with time zone)
                   AND u2."student_id" = c.student_id THEN 'done'
              WHEN u2."id" IS NOT NULL THEN 'taken'
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
      FROM "students_ssid") u0 ON u0."id" = c.object_id
   AND NOT EXISTS
     (SELECT 1
      FROM imports_importchange m
      WHERE m.run_id = 1
        AND m.kind = 'ssid'
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
      FROM "students_ssid") u1 ON u1."state" = coalesce((c.after->>'state')::text, 'CA')
   AND u1."ssid" = (c.after->>'ssid')::text
   AND NOT EXISTS
     (SELECT 1
      FROM imports_importchange m
      WHERE m.run_id = 1
        AND m.kind = 'ssid'
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
      FROM "students_ssid"
      WHERE "retired_at" IS NULL) u2 ON u2."student_id" = c.student_id
   AND ((c.after->>'retired_at')::timestamp with time zone IS NULL)
   AND NOT EXISTS
     (SELECT 1
      FROM imports_importchange m
      WHERE m.run_id = 1
        AND m.kind = 'ssid'
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
     AND c.kind = 'ssid'
     AND c.before IS NULL) AS q
WHERE q.reason IS NOT NULL
ORDER BY q.line,
         q.seq,
         q.reason ON CONFLICT DO NOTHING;

-- What still holds is written. (Without the last NOT EXISTS when nothing was set aside.)
INSERT INTO "students_ssid" ("id",
                             "student_id",
                             "ssid",
                             "state",
                             "origin",
                             "verified",
                             "retired_at",
                             "origin_run",
                             "origin_line",
                             "created_at")
SELECT c.object_id,
       c.student_id,
       (c.after->>'ssid')::text,
       coalesce((c.after->>'state')::text, 'CA'),
       coalesce((c.after->>'origin')::text, 'state_file'),
       coalesce((c.after->>'verified')::boolean, true),
       (c.after->>'retired_at')::timestamp with time zone,
                                                     2,
                                                     c.line,
                                                     now()
FROM imports_importchange c
WHERE c.run_id = 1
  AND c.kind = 'ssid'
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

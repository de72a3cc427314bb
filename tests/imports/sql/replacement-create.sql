-- SSID replacement: create. Run 2 applies the plan of run 1. Written by tests/imports/test_change_sql.py.

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
                   AND (NOT jsonb_exists(c.after, 'state')
                        OR u0."state" IS NOT DISTINCT
                        FROM (c.after->>'state')::text)
                   AND (NOT jsonb_exists(c.after, 'retired_ssid')
                        OR u0."retired_ssid" IS NOT DISTINCT
                        FROM (c.after->>'retired_ssid')::text)
                   AND (NOT jsonb_exists(c.after, 'replacement_ssid')
                        OR u0."replacement_ssid" IS NOT DISTINCT
                        FROM (c.after->>'replacement_ssid')::text) THEN 'done'
              WHEN u0."id" IS NOT NULL THEN 'taken'
              WHEN u1."id" IS NOT NULL
                   AND (NOT jsonb_exists(c.after, 'state')
                        OR u1."state" IS NOT DISTINCT
                        FROM (c.after->>'state')::text)
                   AND (NOT jsonb_exists(c.after, 'retired_ssid')
                        OR u1."retired_ssid" IS NOT DISTINCT
                        FROM (c.after->>'retired_ssid')::text)
                   AND (NOT jsonb_exists(c.after, 'replacement_ssid')
                        OR u1."replacement_ssid" IS NOT DISTINCT
                        FROM (c.after->>'replacement_ssid')::text) THEN 'done'
              WHEN u1."id" IS NOT NULL THEN 'taken'
              WHEN c.guard IS NOT NULL
                   AND s.identity_hash IS DISTINCT
                   FROM c.guard THEN 'changed'
          END AS reason
   FROM imports_importchange c
   LEFT JOIN students_student s ON s.id = c.student_id
   LEFT JOIN
     (SELECT *
      FROM "students_ssidreplacement") u0 ON u0."id" = c.object_id
   AND NOT EXISTS
     (SELECT 1
      FROM imports_importchange m
      WHERE m.run_id = 1
        AND m.kind = 'replacement'
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
      FROM "students_ssidreplacement") u1 ON u1."state" = coalesce((c.after->>'state')::text, 'CA')
   AND u1."retired_ssid" = (c.after->>'retired_ssid')::text
   AND NOT EXISTS
     (SELECT 1
      FROM imports_importchange m
      WHERE m.run_id = 1
        AND m.kind = 'replacement'
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
     AND c.kind = 'replacement'
     AND c.before IS NULL) AS q
WHERE q.reason IS NOT NULL
ORDER BY q.line,
         q.seq,
         q.reason ON CONFLICT DO NOTHING;

-- What still holds is written. (Without the last NOT EXISTS when nothing was set aside.)
INSERT INTO "students_ssidreplacement" ("id",
                                        "state",
                                        "retired_ssid",
                                        "replacement_ssid",
                                        "origin_run",
                                        "learned_at")
SELECT c.object_id,
       coalesce((c.after->>'state')::text, 'CA'),
       (c.after->>'retired_ssid')::text,
       (c.after->>'replacement_ssid')::text,
       2,
       now()
FROM imports_importchange c
WHERE c.run_id = 1
  AND c.kind = 'replacement'
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

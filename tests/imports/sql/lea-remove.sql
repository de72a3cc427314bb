-- LEA: remove. Run 2 applies the plan of run 1. Written by tests/imports/test_change_sql.py.

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
              WHEN NOT (t."code" IS NOT DISTINCT
                        FROM (c.before->>'code')::text
                        AND t."name" IS NOT DISTINCT
                        FROM coalesce((c.before->>'name')::text, '')
                        AND t."state" IS NOT DISTINCT
                        FROM coalesce((c.before->>'state')::text, 'CA')) THEN 'changed'
              WHEN EXISTS
                     (SELECT 1
                      FROM "students_districtsettings" r
                      WHERE r."lea_id" = c.object_id) THEN 'in_use'
              WHEN EXISTS
                     (SELECT 1
                      FROM "students_school" r
                      WHERE r."lea_id" = c.object_id
                        AND NOT EXISTS
                          (SELECT 1
                           FROM imports_importchange d
                           WHERE d.run_id = 1
                             AND d.kind = 'school'
                             AND (d.after IS NULL
                                  OR d.before IS NOT NULL
                                  AND jsonb_exists(d.after, 'lea_id'))
                             AND d.object_id = r."id"
                             AND NOT EXISTS
                               (SELECT 1
                                FROM imports_setaside sa
                                WHERE sa.run_id = 2
                                  AND sa.line = d.line
                                  AND sa.seq = d.seq
                                  AND sa.reason <> 'done'))) THEN 'in_use'
              WHEN EXISTS
                     (SELECT 1
                      FROM "students_student" r
                      WHERE r."lea_id" = c.object_id
                        AND NOT EXISTS
                          (SELECT 1
                           FROM imports_importchange d
                           WHERE d.run_id = 1
                             AND d.kind = 'student'
                             AND (d.after IS NULL
                                  OR d.before IS NOT NULL
                                  AND jsonb_exists(d.after, 'lea_id'))
                             AND d.object_id = r."id"
                             AND NOT EXISTS
                               (SELECT 1
                                FROM imports_setaside sa
                                WHERE sa.run_id = 2
                                  AND sa.line = d.line
                                  AND sa.seq = d.seq
                                  AND sa.reason <> 'done'))) THEN 'in_use'
              WHEN EXISTS
                     (SELECT 1
                      FROM "ssid_senrrequest" r
                      WHERE r."lea_id" = c.object_id) THEN 'in_use'
              WHEN EXISTS
                     (SELECT 1
                      FROM "ssid_utahrequest" r
                      WHERE r."lea_id" = c.object_id) THEN 'in_use'
              WHEN EXISTS
                     (SELECT 1
                      FROM "ssid_utahduedate" r
                      WHERE r."lea_id" = c.object_id) THEN 'in_use'
          END AS reason
   FROM imports_importchange c
   LEFT JOIN students_student s ON s.id = c.student_id
   LEFT JOIN "students_lea" t ON t."id" = c.object_id
   WHERE c.run_id = 1
     AND c.kind = 'lea'
     AND c.after IS NULL) AS q
WHERE q.reason IS NOT NULL
ORDER BY q.line,
         q.seq,
         q.reason ON CONFLICT DO NOTHING;

-- What still holds is written. (Without the last NOT EXISTS when nothing was set aside.)
DELETE
FROM "students_lea" t USING imports_importchange c
WHERE t."id" = c.object_id
  AND c.run_id = 1
  AND c.kind = 'lea'
  AND c.after IS NULL
  AND NOT EXISTS
    (SELECT 1
     FROM imports_setaside a
     WHERE a.run_id = 2
       AND a.line = c.line
       AND a.seq = c.seq);

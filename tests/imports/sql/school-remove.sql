-- School: remove. Run 2 applies the plan of run 1. Written by tests/imports/test_change_sql.py.

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
              WHEN NOT (t."lea_id" IS NOT DISTINCT
                        FROM (c.before->>'lea_id')::bigint
                        AND t."code" IS NOT DISTINCT
                        FROM (c.before->>'code')::text
                        AND t."name" IS NOT DISTINCT
                        FROM coalesce((c.before->>'name')::text, '')) THEN 'changed'
              WHEN EXISTS
                     (SELECT 1
                      FROM "students_staffaccess_schools" r
                      WHERE r."school_id" = c.object_id) THEN 'in_use'
              WHEN EXISTS
                     (SELECT 1
                      FROM "students_student" r
                      WHERE r."school_id" = c.object_id
                        AND NOT EXISTS
                          (SELECT 1
                           FROM imports_importchange d
                           WHERE d.run_id = 1
                             AND d.kind = 'student'
                             AND (d.after IS NULL
                                  OR d.before IS NOT NULL
                                  AND jsonb_exists(d.after, 'school_id'))
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
                      FROM "students_enrollment" r
                      WHERE r."school_id" = c.object_id
                        AND NOT EXISTS
                          (SELECT 1
                           FROM imports_importchange d
                           WHERE d.run_id = 1
                             AND d.kind = 'enrollment'
                             AND (d.after IS NULL
                                  OR d.before IS NOT NULL
                                  AND jsonb_exists(d.after, 'school_id'))
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
                      FROM "ssid_senrline" r
                      WHERE r."school_id" = c.object_id) THEN 'in_use'
              WHEN EXISTS
                     (SELECT 1
                      FROM "ssid_utahrequest_schools" r
                      WHERE r."school_id" = c.object_id) THEN 'in_use'
          END AS reason
   FROM imports_importchange c
   LEFT JOIN students_student s ON s.id = c.student_id
   LEFT JOIN "students_school" t ON t."id" = c.object_id
   WHERE c.run_id = 1
     AND c.kind = 'school'
     AND c.after IS NULL) AS q
WHERE q.reason IS NOT NULL
ORDER BY q.line,
         q.seq,
         q.reason ON CONFLICT DO NOTHING;

-- What still holds is written. (Without the last NOT EXISTS when nothing was set aside.)
DELETE
FROM "students_school" t USING imports_importchange c
WHERE t."id" = c.object_id
  AND c.run_id = 1
  AND c.kind = 'school'
  AND c.after IS NULL
  AND NOT EXISTS
    (SELECT 1
     FROM imports_setaside a
     WHERE a.run_id = 2
       AND a.line = c.line
       AND a.seq = c.seq);

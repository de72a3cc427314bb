-- Student: remove. Run 2 applies the plan of run 1. Written by tests/imports/test_change_sql.py.

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
                        AND t."school_id" IS NOT DISTINCT
                        FROM (c.before->>'school_id')::bigint
                        AND t."birth_date" IS NOT DISTINCT
                        FROM (c.before->>'birth_date')::date
                        AND t."local_number" IS NOT DISTINCT
                        FROM coalesce((c.before->>'local_number')::text, '')
                        AND t."grade" IS NOT DISTINCT
                        FROM coalesce((c.before->>'grade')::text, '')
                        AND t."last_name" IS NOT DISTINCT
                        FROM coalesce((c.before->>'last_name')::text, '')
                        AND t."first_name" IS NOT DISTINCT
                        FROM coalesce((c.before->>'first_name')::text, '')
                        AND t."middle_name" IS NOT DISTINCT
                        FROM coalesce((c.before->>'middle_name')::text, '')
                        AND t."suffix" IS NOT DISTINCT
                        FROM coalesce((c.before->>'suffix')::text, '')
                        AND t."legal_last_name" IS NOT DISTINCT
                        FROM coalesce((c.before->>'legal_last_name')::text, '')
                        AND t."legal_first_name" IS NOT DISTINCT
                        FROM coalesce((c.before->>'legal_first_name')::text, '')
                        AND t."legal_middle_name" IS NOT DISTINCT
                        FROM coalesce((c.before->>'legal_middle_name')::text, '')
                        AND t."alias_last_name" IS NOT DISTINCT
                        FROM coalesce((c.before->>'alias_last_name')::text, '')
                        AND t."alias_first_name" IS NOT DISTINCT
                        FROM coalesce((c.before->>'alias_first_name')::text, '')
                        AND t."gender" IS NOT DISTINCT
                        FROM coalesce((c.before->>'gender')::text, '')
                        AND t."legal_gender" IS NOT DISTINCT
                        FROM coalesce((c.before->>'legal_gender')::text, '')
                        AND t."birth_country" IS NOT DISTINCT
                        FROM coalesce((c.before->>'birth_country')::text, '')
                        AND t."birth_state" IS NOT DISTINCT
                        FROM coalesce((c.before->>'birth_state')::text, '')
                        AND t."home_language" IS NOT DISTINCT
                        FROM coalesce((c.before->>'home_language')::text, '')
                        AND t."ethnicity" IS NOT DISTINCT
                        FROM coalesce((c.before->>'ethnicity')::text, '')) THEN 'changed'
              WHEN EXISTS
                     (SELECT 1
                      FROM "students_enrollment" r
                      WHERE r."student_id" = c.object_id
                        AND NOT EXISTS
                          (SELECT 1
                           FROM imports_importchange d
                           WHERE d.run_id = 1
                             AND d.kind = 'enrollment'
                             AND d.after IS NULL
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
                      FROM "students_elrecord" r
                      WHERE r."student_id" = c.object_id
                        AND NOT EXISTS
                          (SELECT 1
                           FROM imports_importchange d
                           WHERE d.run_id = 1
                             AND d.kind = 'el'
                             AND d.after IS NULL
                             AND d.object_id = r."student_id"
                             AND NOT EXISTS
                               (SELECT 1
                                FROM imports_setaside sa
                                WHERE sa.run_id = 2
                                  AND sa.line = d.line
                                  AND sa.seq = d.seq
                                  AND sa.reason <> 'done'))) THEN 'in_use'
              WHEN EXISTS
                     (SELECT 1
                      FROM "students_stateenrollment" r
                      WHERE r."student_id" = c.object_id
                        AND NOT EXISTS
                          (SELECT 1
                           FROM imports_importchange d
                           WHERE d.run_id = 1
                             AND d.kind = 'state_enrollment'
                             AND d.after IS NULL
                             AND d.object_id = r."student_id"
                             AND NOT EXISTS
                               (SELECT 1
                                FROM imports_setaside sa
                                WHERE sa.run_id = 2
                                  AND sa.line = d.line
                                  AND sa.seq = d.seq
                                  AND sa.reason <> 'done'))) THEN 'in_use'
              WHEN EXISTS
                     (SELECT 1
                      FROM "students_guardian" r
                      WHERE r."student_id" = c.object_id
                        AND NOT EXISTS
                          (SELECT 1
                           FROM imports_importchange d
                           WHERE d.run_id = 1
                             AND d.kind = 'guardian'
                             AND d.after IS NULL
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
                      FROM "students_ssid" r
                      WHERE r."student_id" = c.object_id
                        AND NOT EXISTS
                          (SELECT 1
                           FROM imports_importchange d
                           WHERE d.run_id = 1
                             AND d.kind = 'ssid'
                             AND d.after IS NULL
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
                      FROM "students_annualenrollment" r
                      WHERE r."student_id" = c.object_id) THEN 'in_use'
              WHEN EXISTS
                     (SELECT 1
                      FROM "students_reportedssid" r
                      WHERE r."student_id" = c.object_id) THEN 'in_use'
              WHEN EXISTS
                     (SELECT 1
                      FROM "students_recordedit" r
                      WHERE r."student_id" = c.object_id) THEN 'in_use'
              WHEN EXISTS
                     (SELECT 1
                      FROM "students_familymember" r
                      WHERE r."student_id" = c.object_id) THEN 'in_use'
              WHEN EXISTS
                     (SELECT 1
                      FROM "students_familyinvitation_students" r
                      WHERE r."student_id" = c.object_id) THEN 'in_use'
              WHEN EXISTS
                     (SELECT 1
                      FROM "students_secondcheck" r
                      WHERE r."student_id" = c.object_id) THEN 'in_use'
              WHEN EXISTS
                     (SELECT 1
                      FROM "ssid_senrline" r
                      WHERE r."student_id" = c.object_id) THEN 'in_use'
              WHEN EXISTS
                     (SELECT 1
                      FROM "assessments_score" r
                      WHERE r."student_id" = c.object_id) THEN 'in_use'
          END AS reason
   FROM imports_importchange c
   LEFT JOIN students_student s ON s.id = c.student_id
   LEFT JOIN "students_student" t ON t."id" = c.object_id
   WHERE c.run_id = 1
     AND c.kind = 'student'
     AND c.after IS NULL) AS q
WHERE q.reason IS NOT NULL
ORDER BY q.line,
         q.seq,
         q.reason ON CONFLICT DO NOTHING;

-- What still holds is written. (Without the last NOT EXISTS when nothing was set aside.)
DELETE
FROM "students_student" t USING imports_importchange c
WHERE t."id" = c.object_id
  AND c.run_id = 1
  AND c.kind = 'student'
  AND c.after IS NULL
  AND NOT EXISTS
    (SELECT 1
     FROM imports_setaside a
     WHERE a.run_id = 2
       AND a.line = c.line
       AND a.seq = c.seq);

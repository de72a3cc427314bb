-- Student: update. Run 2 applies the plan of run 1. Written by tests/imports/test_change_sql.py.

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
              WHEN ((NOT jsonb_exists(c.after, 'lea_id')
                     OR t."lea_id" IS NOT DISTINCT
                     FROM (c.after->>'lea_id')::bigint)
                    AND (NOT jsonb_exists(c.after, 'school_id')
                         OR t."school_id" IS NOT DISTINCT
                         FROM (c.after->>'school_id')::bigint)
                    AND (NOT jsonb_exists(c.after, 'birth_date')
                         OR t."birth_date" IS NOT DISTINCT
                         FROM (c.after->>'birth_date')::date)
                    AND (NOT jsonb_exists(c.after, 'local_number')
                         OR t."local_number" IS NOT DISTINCT
                         FROM (c.after->>'local_number')::text)
                    AND (NOT jsonb_exists(c.after, 'grade')
                         OR t."grade" IS NOT DISTINCT
                         FROM (c.after->>'grade')::text)
                    AND (NOT jsonb_exists(c.after, 'last_name')
                         OR t."last_name" IS NOT DISTINCT
                         FROM (c.after->>'last_name')::text)
                    AND (NOT jsonb_exists(c.after, 'first_name')
                         OR t."first_name" IS NOT DISTINCT
                         FROM (c.after->>'first_name')::text)
                    AND (NOT jsonb_exists(c.after, 'middle_name')
                         OR t."middle_name" IS NOT DISTINCT
                         FROM (c.after->>'middle_name')::text)
                    AND (NOT jsonb_exists(c.after, 'suffix')
                         OR t."suffix" IS NOT DISTINCT
                         FROM (c.after->>'suffix')::text)
                    AND (NOT jsonb_exists(c.after, 'legal_last_name')
                         OR t."legal_last_name" IS NOT DISTINCT
                         FROM (c.after->>'legal_last_name')::text)
                    AND (NOT jsonb_exists(c.after, 'legal_first_name')
                         OR t."legal_first_name" IS NOT DISTINCT
                         FROM (c.after->>'legal_first_name')::text)
                    AND (NOT jsonb_exists(c.after, 'legal_middle_name')
                         OR t."legal_middle_name" IS NOT DISTINCT
                         FROM (c.after->>'legal_middle_name')::text)
                    AND (NOT jsonb_exists(c.after, 'alias_last_name')
                         OR t."alias_last_name" IS NOT DISTINCT
                         FROM (c.after->>'alias_last_name')::text)
                    AND (NOT jsonb_exists(c.after, 'alias_first_name')
                         OR t."alias_first_name" IS NOT DISTINCT
                         FROM (c.after->>'alias_first_name')::text)
                    AND (NOT jsonb_exists(c.after, 'gender')
                         OR t."gender" IS NOT DISTINCT
                         FROM (c.after->>'gender')::text)
                    AND (NOT jsonb_exists(c.after, 'legal_gender')
                         OR t."legal_gender" IS NOT DISTINCT
                         FROM (c.after->>'legal_gender')::text)
                    AND (NOT jsonb_exists(c.after, 'birth_country')
                         OR t."birth_country" IS NOT DISTINCT
                         FROM (c.after->>'birth_country')::text)
                    AND (NOT jsonb_exists(c.after, 'birth_state')
                         OR t."birth_state" IS NOT DISTINCT
                         FROM (c.after->>'birth_state')::text)
                    AND (NOT jsonb_exists(c.after, 'home_language')
                         OR t."home_language" IS NOT DISTINCT
                         FROM (c.after->>'home_language')::text)
                    AND (NOT jsonb_exists(c.after, 'ethnicity')
                         OR t."ethnicity" IS NOT DISTINCT
                         FROM (c.after->>'ethnicity')::text)) THEN 'done'
              WHEN NOT ((NOT jsonb_exists(c.before, 'lea_id')
                         OR t."lea_id" IS NOT DISTINCT
                         FROM (c.before->>'lea_id')::bigint)
                        AND (NOT jsonb_exists(c.before, 'school_id')
                             OR t."school_id" IS NOT DISTINCT
                             FROM (c.before->>'school_id')::bigint)
                        AND (NOT jsonb_exists(c.before, 'birth_date')
                             OR t."birth_date" IS NOT DISTINCT
                             FROM (c.before->>'birth_date')::date)
                        AND (NOT jsonb_exists(c.before, 'local_number')
                             OR t."local_number" IS NOT DISTINCT
                             FROM (c.before->>'local_number')::text)
                        AND (NOT jsonb_exists(c.before, 'grade')
                             OR t."grade" IS NOT DISTINCT
                             FROM (c.before->>'grade')::text)
                        AND (NOT jsonb_exists(c.before, 'last_name')
                             OR t."last_name" IS NOT DISTINCT
                             FROM (c.before->>'last_name')::text)
                        AND (NOT jsonb_exists(c.before, 'first_name')
                             OR t."first_name" IS NOT DISTINCT
                             FROM (c.before->>'first_name')::text)
                        AND (NOT jsonb_exists(c.before, 'middle_name')
                             OR t."middle_name" IS NOT DISTINCT
                             FROM (c.before->>'middle_name')::text)
                        AND (NOT jsonb_exists(c.before, 'suffix')
                             OR t."suffix" IS NOT DISTINCT
                             FROM (c.before->>'suffix')::text)
                        AND (NOT jsonb_exists(c.before, 'legal_last_name')
                             OR t."legal_last_name" IS NOT DISTINCT
                             FROM (c.before->>'legal_last_name')::text)
                        AND (NOT jsonb_exists(c.before, 'legal_first_name')
                             OR t."legal_first_name" IS NOT DISTINCT
                             FROM (c.before->>'legal_first_name')::text)
                        AND (NOT jsonb_exists(c.before, 'legal_middle_name')
                             OR t."legal_middle_name" IS NOT DISTINCT
                             FROM (c.before->>'legal_middle_name')::text)
                        AND (NOT jsonb_exists(c.before, 'alias_last_name')
                             OR t."alias_last_name" IS NOT DISTINCT
                             FROM (c.before->>'alias_last_name')::text)
                        AND (NOT jsonb_exists(c.before, 'alias_first_name')
                             OR t."alias_first_name" IS NOT DISTINCT
                             FROM (c.before->>'alias_first_name')::text)
                        AND (NOT jsonb_exists(c.before, 'gender')
                             OR t."gender" IS NOT DISTINCT
                             FROM (c.before->>'gender')::text)
                        AND (NOT jsonb_exists(c.before, 'legal_gender')
                             OR t."legal_gender" IS NOT DISTINCT
                             FROM (c.before->>'legal_gender')::text)
                        AND (NOT jsonb_exists(c.before, 'birth_country')
                             OR t."birth_country" IS NOT DISTINCT
                             FROM (c.before->>'birth_country')::text)
                        AND (NOT jsonb_exists(c.before, 'birth_state')
                             OR t."birth_state" IS NOT DISTINCT
                             FROM (c.before->>'birth_state')::text)
                        AND (NOT jsonb_exists(c.before, 'home_language')
                             OR t."home_language" IS NOT DISTINCT
                             FROM (c.before->>'home_language')::text)
                        AND (NOT jsonb_exists(c.before, 'ethnicity')
                             OR t."ethnicity" IS NOT DISTINCT
                             FROM (c.before->>'ethnicity')::text)) THEN 'changed'
              WHEN c.guard IS NOT NULL
                   AND s.identity_hash IS DISTINCT
                   FROM c.guard THEN 'changed'
              WHEN (jsonb_exists(c.after, 'lea_id')
                    OR jsonb_exists(c.after, 'local_number'))
                   AND EXISTS
                     (SELECT 1
                      FROM
                        (SELECT *
                         FROM "students_student") o
                      WHERE o."lea_id" = coalesce((c.after->>'lea_id')::bigint, t."lea_id")
                        AND o."local_number" = coalesce((c.after->>'local_number')::text, t."local_number")
                        AND o."id" <> c.object_id
                        AND o."id" NOT IN
                          (SELECT m.object_id
                           FROM imports_importchange m
                           WHERE m.run_id = 1
                             AND m.kind = 'student'
                             AND m.before IS NOT NULL
                             AND NOT EXISTS
                               (SELECT 1
                                FROM imports_setaside sa
                                WHERE sa.run_id = 2
                                  AND sa.line = m.line
                                  AND sa.seq = m.seq
                                  AND sa.reason <> 'done'))) THEN 'taken'
              WHEN (c.after->>'lea_id')::bigint IS NOT NULL
                   AND NOT EXISTS
                     (SELECT 1
                      FROM "students_lea" p
                      WHERE p."id" = (c.after->>'lea_id')::bigint)
                   AND NOT EXISTS
                     (SELECT 1
                      FROM imports_importchange pc
                      WHERE pc.run_id = 1
                        AND pc.kind = 'lea'
                        AND pc.before IS NULL
                        AND pc.object_id = (c.after->>'lea_id')::bigint
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
          END AS reason
   FROM imports_importchange c
   LEFT JOIN students_student s ON s.id = c.student_id
   LEFT JOIN "students_student" t ON t."id" = c.object_id
   WHERE c.run_id = 1
     AND c.kind = 'student'
     AND c.before IS NOT NULL
     AND c.after IS NOT NULL) AS q
WHERE q.reason IS NOT NULL
ORDER BY q.line,
         q.seq,
         q.reason ON CONFLICT DO NOTHING;

-- What still holds is written. (Without the last NOT EXISTS when nothing was set aside.)
UPDATE "students_student" t
SET "lea_id" = CASE
                   WHEN jsonb_exists(c.after, 'lea_id') THEN (c.after->>'lea_id')::bigint
                   ELSE t."lea_id"
               END,
               "school_id" = CASE
                                 WHEN jsonb_exists(c.after, 'school_id') THEN (c.after->>'school_id')::bigint
                                 ELSE t."school_id"
                             END,
                             "birth_date" = CASE
                                                WHEN jsonb_exists(c.after, 'birth_date') THEN (c.after->>'birth_date')::date
                                                ELSE t."birth_date"
                                            END,
                                            "local_number" = CASE
                                                                 WHEN jsonb_exists(c.after, 'local_number') THEN (c.after->>'local_number')::text
                                                                 ELSE t."local_number"
                                                             END,
                                                             "grade" = CASE
                                                                           WHEN jsonb_exists(c.after, 'grade') THEN (c.after->>'grade')::text
                                                                           ELSE t."grade"
                                                                       END,
                                                                       "last_name" = CASE
                                                                                         WHEN jsonb_exists(c.after, 'last_name') THEN (c.after->>'last_name')::text
                                                                                         ELSE t."last_name"
                                                                                     END,
                                                                                     "first_name" = CASE
                                                                                                        WHEN jsonb_exists(c.after, 'first_name') THEN (c.after->>'first_name')::text
                                                                                                        ELSE t."first_name"
                                                                                                    END,
                                                                                                    "middle_name" = CASE
                                                                                                                        WHEN jsonb_exists(c.after, 'middle_name') THEN (c.after->>'middle_name')::text
                                                                                                                        ELSE t."middle_name"
                                                                                                                    END,
                                                                                                                    "suffix" = CASE
                                                                                                                                   WHEN jsonb_exists(c.after, 'suffix') THEN (c.after->>'suffix')::text
                                                                                                                                   ELSE t."suffix"
                                                                                                                               END,
                                                                                                                               "legal_last_name" = CASE
                                                                                                                                                       WHEN jsonb_exists(c.after, 'legal_last_name') THEN (c.after->>'legal_last_name')::text
                                                                                                                                                       ELSE t."legal_last_name"
                                                                                                                                                   END,
                                                                                                                                                   "legal_first_name" = CASE
                                                                                                                                                                            WHEN jsonb_exists(c.after, 'legal_first_name') THEN (c.after->>'legal_first_name')::text
                                                                                                                                                                            ELSE t."legal_first_name"
                                                                                                                                                                        END,
                                                                                                                                                                        "legal_middle_name" = CASE
                                                                                                                                                                                                  WHEN jsonb_exists(c.after, 'legal_middle_name') THEN (c.after->>'legal_middle_name')::text
                                                                                                                                                                                                  ELSE t."legal_middle_name"
                                                                                                                                                                                              END,
                                                                                                                                                                                              "alias_last_name" = CASE
                                                                                                                                                                                                                      WHEN jsonb_exists(c.after, 'alias_last_name') THEN (c.after->>'alias_last_name')::text
                                                                                                                                                                                                                      ELSE t."alias_last_name"
                                                                                                                                                                                                                  END,
                                                                                                                                                                                                                  "alias_first_name" = CASE
                                                                                                                                                                                                                                           WHEN jsonb_exists(c.after, 'alias_first_name') THEN (c.after->>'alias_first_name')::text
                                                                                                                                                                                                                                           ELSE t."alias_first_name"
                                                                                                                                                                                                                                       END,
                                                                                                                                                                                                                                       "gender" = CASE
                                                                                                                                                                                                                                                      WHEN jsonb_exists(c.after, 'gender') THEN (c.after->>'gender')::text
                                                                                                                                                                                                                                                      ELSE t."gender"
                                                                                                                                                                                                                                                  END,
                                                                                                                                                                                                                                                  "legal_gender" = CASE
                                                                                                                                                                                                                                                                       WHEN jsonb_exists(c.after, 'legal_gender') THEN (c.after->>'legal_gender')::text
                                                                                                                                                                                                                                                                       ELSE t."legal_gender"
                                                                                                                                                                                                                                                                   END,
                                                                                                                                                                                                                                                                   "birth_country" = CASE
                                                                                                                                                                                                                                                                                         WHEN jsonb_exists(c.after, 'birth_country') THEN (c.after->>'birth_country')::text
                                                                                                                                                                                                                                                                                         ELSE t."birth_country"
                                                                                                                                                                                                                                                                                     END,
                                                                                                                                                                                                                                                                                     "birth_state" = CASE
                                                                                                                                                                                                                                                                                                         WHEN jsonb_exists(c.after, 'birth_state') THEN (c.after->>'birth_state')::text
                                                                                                                                                                                                                                                                                                         ELSE t."birth_state"
                                                                                                                                                                                                                                                                                                     END,
                                                                                                                                                                                                                                                                                                     "home_language" = CASE
                                                                                                                                                                                                                                                                                                                           WHEN jsonb_exists(c.after, 'home_language') THEN (c.after->>'home_language')::text
                                                                                                                                                                                                                                                                                                                           ELSE t."home_language"
                                                                                                                                                                                                                                                                                                                       END,
                                                                                                                                                                                                                                                                                                                       "ethnicity" = CASE
                                                                                                                                                                                                                                                                                                                                         WHEN jsonb_exists(c.after, 'ethnicity') THEN (c.after->>'ethnicity')::text
                                                                                                                                                                                                                                                                                                                                         ELSE t."ethnicity"
                                                                                                                                                                                                                                                                                                                                     END
FROM imports_importchange c
WHERE t."id" = c.object_id
  AND c.run_id = 1
  AND c.kind = 'student'
  AND c.before IS NOT NULL
  AND c.after IS NOT NULL
  AND NOT EXISTS
    (SELECT 1
     FROM imports_setaside a
     WHERE a.run_id = 2
       AND a.line = c.line
       AND a.seq = c.seq);

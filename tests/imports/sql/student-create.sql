-- Student: create. Run 2 applies the plan of run 1. Written by tests/imports/test_change_sql.py.

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
                   AND (NOT jsonb_exists(c.after, 'lea_id')
                        OR u0."lea_id" IS NOT DISTINCT
                        FROM (c.after->>'lea_id')::bigint)
                   AND (NOT jsonb_exists(c.after, 'school_id')
                        OR u0."school_id" IS NOT DISTINCT
                        FROM (c.after->>'school_id')::bigint)
                   AND (NOT jsonb_exists(c.after, 'birth_date')
                        OR u0."birth_date" IS NOT DISTINCT
                        FROM (c.after->>'birth_date')::date)
                   AND (NOT jsonb_exists(c.after, 'local_number')
                        OR u0."local_number" IS NOT DISTINCT
                        FROM (c.after->>'local_number')::text)
                   AND (NOT jsonb_exists(c.after, 'grade')
                        OR u0."grade" IS NOT DISTINCT
                        FROM (c.after->>'grade')::text)
                   AND (NOT jsonb_exists(c.after, 'last_name')
                        OR u0."last_name" IS NOT DISTINCT
                        FROM (c.after->>'last_name')::text)
                   AND (NOT jsonb_exists(c.after, 'first_name')
                        OR u0."first_name" IS NOT DISTINCT
                        FROM (c.after->>'first_name')::text)
                   AND (NOT jsonb_exists(c.after, 'middle_name')
                        OR u0."middle_name" IS NOT DISTINCT
                        FROM (c.after->>'middle_name')::text)
                   AND (NOT jsonb_exists(c.after, 'suffix')
                        OR u0."suffix" IS NOT DISTINCT
                        FROM (c.after->>'suffix')::text)
                   AND (NOT jsonb_exists(c.after, 'legal_last_name')
                        OR u0."legal_last_name" IS NOT DISTINCT
                        FROM (c.after->>'legal_last_name')::text)
                   AND (NOT jsonb_exists(c.after, 'legal_first_name')
                        OR u0."legal_first_name" IS NOT DISTINCT
                        FROM (c.after->>'legal_first_name')::text)
                   AND (NOT jsonb_exists(c.after, 'legal_middle_name')
                        OR u0."legal_middle_name" IS NOT DISTINCT
                        FROM (c.after->>'legal_middle_name')::text)
                   AND (NOT jsonb_exists(c.after, 'alias_last_name')
                        OR u0."alias_last_name" IS NOT DISTINCT
                        FROM (c.after->>'alias_last_name')::text)
                   AND (NOT jsonb_exists(c.after, 'alias_first_name')
                        OR u0."alias_first_name" IS NOT DISTINCT
                        FROM (c.after->>'alias_first_name')::text)
                   AND (NOT jsonb_exists(c.after, 'gender')
                        OR u0."gender" IS NOT DISTINCT
                        FROM (c.after->>'gender')::text)
                   AND (NOT jsonb_exists(c.after, 'legal_gender')
                        OR u0."legal_gender" IS NOT DISTINCT
                        FROM (c.after->>'legal_gender')::text)
                   AND (NOT jsonb_exists(c.after, 'birth_country')
                        OR u0."birth_country" IS NOT DISTINCT
                        FROM (c.after->>'birth_country')::text)
                   AND (NOT jsonb_exists(c.after, 'birth_state')
                        OR u0."birth_state" IS NOT DISTINCT
                        FROM (c.after->>'birth_state')::text)
                   AND (NOT jsonb_exists(c.after, 'home_language')
                        OR u0."home_language" IS NOT DISTINCT
                        FROM (c.after->>'home_language')::text)
                   AND (NOT jsonb_exists(c.after, 'ethnicity')
                        OR u0."ethnicity" IS NOT DISTINCT
                        FROM (c.after->>'ethnicity')::text) THEN 'done'
              WHEN u0."id" IS NOT NULL THEN 'taken'
              WHEN u1."id" IS NOT NULL
                   AND (NOT jsonb_exists(c.after, 'lea_id')
                        OR u1."lea_id" IS NOT DISTINCT
                        FROM (c.after->>'lea_id')::bigint)
                   AND (NOT jsonb_exists(c.after, 'school_id')
                        OR u1."school_id" IS NOT DISTINCT
                        FROM (c.after->>'school_id')::bigint)
                   AND (NOT jsonb_exists(c.after, 'birth_date')
                        OR u1."birth_date" IS NOT DISTINCT
                        FROM (c.after->>'birth_date')::date)
                   AND (NOT jsonb_exists(c.after, 'local_number')
                        OR u1."local_number" IS NOT DISTINCT
                        FROM (c.after->>'local_number')::text)
                   AND (NOT jsonb_exists(c.after, 'grade')
                        OR u1."grade" IS NOT DISTINCT
                        FROM (c.after->>'grade')::text)
                   AND (NOT jsonb_exists(c.after, 'last_name')
                        OR u1."last_name" IS NOT DISTINCT
                        FROM (c.after->>'last_name')::text)
                   AND (NOT jsonb_exists(c.after, 'first_name')
                        OR u1."first_name" IS NOT DISTINCT
                        FROM (c.after->>'first_name')::text)
                   AND (NOT jsonb_exists(c.after, 'middle_name')
                        OR u1."middle_name" IS NOT DISTINCT
                        FROM (c.after->>'middle_name')::text)
                   AND (NOT jsonb_exists(c.after, 'suffix')
                        OR u1."suffix" IS NOT DISTINCT
                        FROM (c.after->>'suffix')::text)
                   AND (NOT jsonb_exists(c.after, 'legal_last_name')
                        OR u1."legal_last_name" IS NOT DISTINCT
                        FROM (c.after->>'legal_last_name')::text)
                   AND (NOT jsonb_exists(c.after, 'legal_first_name')
                        OR u1."legal_first_name" IS NOT DISTINCT
                        FROM (c.after->>'legal_first_name')::text)
                   AND (NOT jsonb_exists(c.after, 'legal_middle_name')
                        OR u1."legal_middle_name" IS NOT DISTINCT
                        FROM (c.after->>'legal_middle_name')::text)
                   AND (NOT jsonb_exists(c.after, 'alias_last_name')
                        OR u1."alias_last_name" IS NOT DISTINCT
                        FROM (c.after->>'alias_last_name')::text)
                   AND (NOT jsonb_exists(c.after, 'alias_first_name')
                        OR u1."alias_first_name" IS NOT DISTINCT
                        FROM (c.after->>'alias_first_name')::text)
                   AND (NOT jsonb_exists(c.after, 'gender')
                        OR u1."gender" IS NOT DISTINCT
                        FROM (c.after->>'gender')::text)
                   AND (NOT jsonb_exists(c.after, 'legal_gender')
                        OR u1."legal_gender" IS NOT DISTINCT
                        FROM (c.after->>'legal_gender')::text)
                   AND (NOT jsonb_exists(c.after, 'birth_country')
                        OR u1."birth_country" IS NOT DISTINCT
                        FROM (c.after->>'birth_country')::text)
                   AND (NOT jsonb_exists(c.after, 'birth_state')
                        OR u1."birth_state" IS NOT DISTINCT
                        FROM (c.after->>'birth_state')::text)
                   AND (NOT jsonb_exists(c.after, 'home_language')
                        OR u1."home_language" IS NOT DISTINCT
                        FROM (c.after->>'home_language')::text)
                   AND (NOT jsonb_exists(c.after, 'ethnicity')
                        OR u1."ethnicity" IS NOT DISTINCT
                        FROM (c.after->>'ethnicity')::text) THEN 'done'
              WHEN u1."id" IS NOT NULL THEN 'taken'
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
              WHEN c.guard IS NOT NULL
                   AND s.identity_hash IS DISTINCT
                   FROM c.guard THEN 'changed'
          END AS reason
   FROM imports_importchange c
   LEFT JOIN students_student s ON s.id = c.student_id
   LEFT JOIN
     (SELECT *
      FROM "students_student") u0 ON u0."id" = c.object_id
   AND NOT EXISTS
     (SELECT 1
      FROM imports_importchange m
      WHERE m.run_id = 1
        AND m.kind = 'student'
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
      FROM "students_student") u1 ON u1."lea_id" = (c.after->>'lea_id')::bigint
   AND u1."local_number" = coalesce((c.after->>'local_number')::text, '')
   AND NOT EXISTS
     (SELECT 1
      FROM imports_importchange m
      WHERE m.run_id = 1
        AND m.kind = 'student'
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
     AND c.kind = 'student'
     AND c.before IS NULL) AS q
WHERE q.reason IS NOT NULL
ORDER BY q.line,
         q.seq,
         q.reason ON CONFLICT DO NOTHING;

-- What still holds is written. (Without the last NOT EXISTS when nothing was set aside.)
INSERT INTO "students_student" ("id",
                                "lea_id",
                                "school_id",
                                "birth_date",
                                "local_number",
                                "grade",
                                "last_name",
                                "first_name",
                                "middle_name",
                                "suffix",
                                "legal_last_name",
                                "legal_first_name",
                                "legal_middle_name",
                                "alias_last_name",
                                "alias_first_name",
                                "gender",
                                "legal_gender",
                                "birth_country",
                                "birth_state",
                                "home_language",
                                "ethnicity")
SELECT c.object_id,
       (c.after->>'lea_id')::bigint,
       (c.after->>'school_id')::bigint,
       (c.after->>'birth_date')::date,
       coalesce((c.after->>'local_number')::text, ''),
       coalesce((c.after->>'grade')::text, ''),
       coalesce((c.after->>'last_name')::text, ''),
       coalesce((c.after->>'first_name')::text, ''),
       coalesce((c.after->>'middle_name')::text, ''),
       coalesce((c.after->>'suffix')::text, ''),
       coalesce((c.after->>'legal_last_name')::text, ''),
       coalesce((c.after->>'legal_first_name')::text, ''),
       coalesce((c.after->>'legal_middle_name')::text, ''),
       coalesce((c.after->>'alias_last_name')::text, ''),
       coalesce((c.after->>'alias_first_name')::text, ''),
       coalesce((c.after->>'gender')::text, ''),
       coalesce((c.after->>'legal_gender')::text, ''),
       coalesce((c.after->>'birth_country')::text, ''),
       coalesce((c.after->>'birth_state')::text, ''),
       coalesce((c.after->>'home_language')::text, ''),
       coalesce((c.after->>'ethnicity')::text, '')
FROM imports_importchange c
WHERE c.run_id = 1
  AND c.kind = 'student'
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

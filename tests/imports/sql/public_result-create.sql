-- State result: create. Run 2 applies the plan of run 1. Written by tests/imports/test_change_sql.py.

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
                   AND ((NOT jsonb_exists(c.after, 'key')
                         OR u0."key" IS NOT DISTINCT
                         FROM (c.after->>'key')::text)
                        AND (NOT jsonb_exists(c.after, 'place')
                             OR u0."place" IS NOT DISTINCT
                             FROM (c.after->>'place')::text)
                        AND (NOT jsonb_exists(c.after, 'test')
                             OR u0."test" IS NOT DISTINCT
                             FROM (c.after->>'test')::text)
                        AND (NOT jsonb_exists(c.after, 'school_year')
                             OR u0."school_year" IS NOT DISTINCT
                             FROM (c.after->>'school_year')::smallint)
                        AND (NOT jsonb_exists(c.after, 'student_group')
                             OR u0."student_group" IS NOT DISTINCT
                             FROM (c.after->>'student_group')::text)
                        AND (NOT jsonb_exists(c.after, 'grade')
                             OR u0."grade" IS NOT DISTINCT
                             FROM (c.after->>'grade')::text)
                        AND (NOT jsonb_exists(c.after, 'enrolled')
                             OR u0."enrolled" IS NOT DISTINCT
                             FROM (c.after->>'enrolled')::text)
                        AND (NOT jsonb_exists(c.after, 'tested')
                             OR u0."tested" IS NOT DISTINCT
                             FROM (c.after->>'tested')::text)
                        AND (NOT jsonb_exists(c.after, 'scored')
                             OR u0."scored" IS NOT DISTINCT
                             FROM (c.after->>'scored')::text)
                        AND (NOT jsonb_exists(c.after, 'mean')
                             OR u0."mean" IS NOT DISTINCT
                             FROM (c.after->>'mean')::text)
                        AND (NOT jsonb_exists(c.after, 'level_1')
                             OR u0."level_1" IS NOT DISTINCT
                             FROM (c.after->>'level_1')::text)
                        AND (NOT jsonb_exists(c.after, 'level_2')
                             OR u0."level_2" IS NOT DISTINCT
                             FROM (c.after->>'level_2')::text)
                        AND (NOT jsonb_exists(c.after, 'level_3')
                             OR u0."level_3" IS NOT DISTINCT
                             FROM (c.after->>'level_3')::text)
                        AND (NOT jsonb_exists(c.after, 'level_4')
                             OR u0."level_4" IS NOT DISTINCT
                             FROM (c.after->>'level_4')::text)
                        AND (NOT jsonb_exists(c.after, 'met')
                             OR u0."met" IS NOT DISTINCT
                             FROM (c.after->>'met')::text)
                        OR u0.key = c.after->>'key') THEN 'done'
              WHEN u0."id" IS NOT NULL THEN 'taken'
              WHEN u1."id" IS NOT NULL
                   AND ((NOT jsonb_exists(c.after, 'key')
                         OR u1."key" IS NOT DISTINCT
                         FROM (c.after->>'key')::text)
                        AND (NOT jsonb_exists(c.after, 'place')
                             OR u1."place" IS NOT DISTINCT
                             FROM (c.after->>'place')::text)
                        AND (NOT jsonb_exists(c.after, 'test')
                             OR u1."test" IS NOT DISTINCT
                             FROM (c.after->>'test')::text)
                        AND (NOT jsonb_exists(c.after, 'school_year')
                             OR u1."school_year" IS NOT DISTINCT
                             FROM (c.after->>'school_year')::smallint)
                        AND (NOT jsonb_exists(c.after, 'student_group')
                             OR u1."student_group" IS NOT DISTINCT
                             FROM (c.after->>'student_group')::text)
                        AND (NOT jsonb_exists(c.after, 'grade')
                             OR u1."grade" IS NOT DISTINCT
                             FROM (c.after->>'grade')::text)
                        AND (NOT jsonb_exists(c.after, 'enrolled')
                             OR u1."enrolled" IS NOT DISTINCT
                             FROM (c.after->>'enrolled')::text)
                        AND (NOT jsonb_exists(c.after, 'tested')
                             OR u1."tested" IS NOT DISTINCT
                             FROM (c.after->>'tested')::text)
                        AND (NOT jsonb_exists(c.after, 'scored')
                             OR u1."scored" IS NOT DISTINCT
                             FROM (c.after->>'scored')::text)
                        AND (NOT jsonb_exists(c.after, 'mean')
                             OR u1."mean" IS NOT DISTINCT
                             FROM (c.after->>'mean')::text)
                        AND (NOT jsonb_exists(c.after, 'level_1')
                             OR u1."level_1" IS NOT DISTINCT
                             FROM (c.after->>'level_1')::text)
                        AND (NOT jsonb_exists(c.after, 'level_2')
                             OR u1."level_2" IS NOT DISTINCT
                             FROM (c.after->>'level_2')::text)
                        AND (NOT jsonb_exists(c.after, 'level_3')
                             OR u1."level_3" IS NOT DISTINCT
                             FROM (c.after->>'level_3')::text)
                        AND (NOT jsonb_exists(c.after, 'level_4')
                             OR u1."level_4" IS NOT DISTINCT
                             FROM (c.after->>'level_4')::text)
                        AND (NOT jsonb_exists(c.after, 'met')
                             OR u1."met" IS NOT DISTINCT
                             FROM (c.after->>'met')::text)
                        OR u1.key = c.after->>'key') THEN 'done'
              WHEN u1."id" IS NOT NULL THEN 'taken'
              WHEN c.guard IS NOT NULL
                   AND s.identity_hash IS DISTINCT
                   FROM c.guard THEN 'changed'
          END AS reason
   FROM imports_importchange c
   LEFT JOIN students_student s ON s.id = c.student_id
   LEFT JOIN
     (SELECT *
      FROM "assessments_publicresult") u0 ON u0."id" = c.object_id
   AND NOT EXISTS
     (SELECT 1
      FROM imports_importchange m
      WHERE m.run_id = 1
        AND m.kind = 'public_result'
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
      FROM "assessments_publicresult") u1 ON u1."key" = (c.after->>'key')::text
   AND NOT EXISTS
     (SELECT 1
      FROM imports_importchange m
      WHERE m.run_id = 1
        AND m.kind = 'public_result'
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
     AND c.kind = 'public_result'
     AND c.before IS NULL) AS q
WHERE q.reason IS NOT NULL
ORDER BY q.line,
         q.seq,
         q.reason ON CONFLICT DO NOTHING;

-- What still holds is written. (Without the last NOT EXISTS when nothing was set aside.)
INSERT INTO "assessments_publicresult" ("id",
                                        "key",
                                        "place",
                                        "test",
                                        "school_year",
                                        "student_group",
                                        "grade",
                                        "enrolled",
                                        "tested",
                                        "scored",
                                        "mean",
                                        "level_1",
                                        "level_2",
                                        "level_3",
                                        "level_4",
                                        "met")
SELECT c.object_id,
       (c.after->>'key')::text,
       (c.after->>'place')::text,
       (c.after->>'test')::text,
       (c.after->>'school_year')::smallint,
       (c.after->>'student_group')::text,
       (c.after->>'grade')::text,
       coalesce((c.after->>'enrolled')::text, ''),
       coalesce((c.after->>'tested')::text, ''),
       coalesce((c.after->>'scored')::text, ''),
       coalesce((c.after->>'mean')::text, ''),
       coalesce((c.after->>'level_1')::text, ''),
       coalesce((c.after->>'level_2')::text, ''),
       coalesce((c.after->>'level_3')::text, ''),
       coalesce((c.after->>'level_4')::text, ''),
       coalesce((c.after->>'met')::text, '')
FROM imports_importchange c
WHERE c.run_id = 1
  AND c.kind = 'public_result'
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

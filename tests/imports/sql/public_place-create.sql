-- Name of a place: create. Run 2 applies the plan of run 1. Written by tests/imports/test_change_sql.py.

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
                   AND ((NOT jsonb_exists(c.after, 'place')
                         OR u0."place" IS NOT DISTINCT
                         FROM (c.after->>'place')::text)
                        AND (NOT jsonb_exists(c.after, 'name')
                             OR u0."name" IS NOT DISTINCT
                             FROM (c.after->>'name')::text)
                        AND (NOT jsonb_exists(c.after, 'school_year')
                             OR u0."school_year" IS NOT DISTINCT
                             FROM (c.after->>'school_year')::smallint)
                        OR u0.place = c.after->>'place') THEN 'done'
              WHEN u0."id" IS NOT NULL THEN 'taken'
              WHEN u1."id" IS NOT NULL
                   AND ((NOT jsonb_exists(c.after, 'place')
                         OR u1."place" IS NOT DISTINCT
                         FROM (c.after->>'place')::text)
                        AND (NOT jsonb_exists(c.after, 'name')
                             OR u1."name" IS NOT DISTINCT
                             FROM (c.after->>'name')::text)
                        AND (NOT jsonb_exists(c.after, 'school_year')
                             OR u1."school_year" IS NOT DISTINCT
                             FROM (c.after->>'school_year')::smallint)
                        OR u1.place = c.after->>'place') THEN 'done'
              WHEN u1."id" IS NOT NULL THEN 'taken'
              WHEN c.guard IS NOT NULL
                   AND s.identity_hash IS DISTINCT
                   FROM c.guard THEN 'changed'
          END AS reason
   FROM imports_importchange c
   LEFT JOIN students_student s ON s.id = c.student_id
   LEFT JOIN
     (SELECT *
      FROM "assessments_publicplace") u0 ON u0."id" = c.object_id
   AND NOT EXISTS
     (SELECT 1
      FROM imports_importchange m
      WHERE m.run_id = 1
        AND m.kind = 'public_place'
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
      FROM "assessments_publicplace") u1 ON u1."place" = (c.after->>'place')::text
   AND NOT EXISTS
     (SELECT 1
      FROM imports_importchange m
      WHERE m.run_id = 1
        AND m.kind = 'public_place'
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
     AND c.kind = 'public_place'
     AND c.before IS NULL) AS q
WHERE q.reason IS NOT NULL
ORDER BY q.line,
         q.seq,
         q.reason ON CONFLICT DO NOTHING;

-- What still holds is written. (Without the last NOT EXISTS when nothing was set aside.)
INSERT INTO "assessments_publicplace" ("id",
                                       "place",
                                       "name",
                                       "school_year")
SELECT c.object_id,
       (c.after->>'place')::text,
       (c.after->>'name')::text,
       (c.after->>'school_year')::smallint
FROM imports_importchange c
WHERE c.run_id = 1
  AND c.kind = 'public_place'
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

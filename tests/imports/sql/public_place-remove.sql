-- Name of a place: remove. Run 2 applies the plan of run 1. Written by tests/imports/test_change_sql.py.

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
              WHEN NOT (t."place" IS NOT DISTINCT
                        FROM (c.before->>'place')::text
                        AND t."name" IS NOT DISTINCT
                        FROM (c.before->>'name')::text
                        AND t."school_year" IS NOT DISTINCT
                        FROM (c.before->>'school_year')::smallint) THEN 'changed'
          END AS reason
   FROM imports_importchange c
   LEFT JOIN students_student s ON s.id = c.student_id
   LEFT JOIN "assessments_publicplace" t ON t."id" = c.object_id
   WHERE c.run_id = 1
     AND c.kind = 'public_place'
     AND c.after IS NULL) AS q
WHERE q.reason IS NOT NULL
ORDER BY q.line,
         q.seq,
         q.reason ON CONFLICT DO NOTHING;

-- What still holds is written. (Without the last NOT EXISTS when nothing was set aside.)
DELETE
FROM "assessments_publicplace" t USING imports_importchange c
WHERE t."id" = c.object_id
  AND c.run_id = 1
  AND c.kind = 'public_place'
  AND c.after IS NULL
  AND NOT EXISTS
    (SELECT 1
     FROM imports_setaside a
     WHERE a.run_id = 2
       AND a.line = c.line
       AND a.seq = c.seq);

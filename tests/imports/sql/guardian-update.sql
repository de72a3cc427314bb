-- Guardian: update. Run 2 applies the plan of run 1. Written by tests/imports/test_change_sql.py.

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
              WHEN ((NOT jsonb_exists(c.after, 'last_name')
                     OR t."last_name" IS NOT DISTINCT
                     FROM (c.after->>'last_name')::text)
                    AND (NOT jsonb_exists(c.after, 'first_name')
                         OR t."first_name" IS NOT DISTINCT
                         FROM (c.after->>'first_name')::text)
                    AND (NOT jsonb_exists(c.after, 'relationship')
                         OR t."relationship" IS NOT DISTINCT
                         FROM (c.after->>'relationship')::text)) THEN 'done'
              WHEN NOT ((NOT jsonb_exists(c.before, 'last_name')
                         OR t."last_name" IS NOT DISTINCT
                         FROM (c.before->>'last_name')::text)
                        AND (NOT jsonb_exists(c.before, 'first_name')
                             OR t."first_name" IS NOT DISTINCT
                             FROM (c.before->>'first_name')::text)
                        AND (NOT jsonb_exists(c.before, 'relationship')
                             OR t."relationship" IS NOT DISTINCT
                             FROM (c.before->>'relationship')::text)) THEN 'changed'
              WHEN c.guard IS NOT NULL
                   AND s.identity_hash IS DISTINCT
                   FROM c.guard THEN 'changed'
          END AS reason
   FROM imports_importchange c
   LEFT JOIN students_student s ON s.id = c.student_id
   LEFT JOIN "students_guardian" t ON t."id" = c.object_id
   WHERE c.run_id = 1
     AND c.kind = 'guardian'
     AND c.before IS NOT NULL
     AND c.after IS NOT NULL) AS q
WHERE q.reason IS NOT NULL
ORDER BY q.line,
         q.seq,
         q.reason ON CONFLICT DO NOTHING;

-- What still holds is written. (Without the last NOT EXISTS when nothing was set aside.)
UPDATE "students_guardian" t
SET "last_name" = CASE
                      WHEN jsonb_exists(c.after, 'last_name') THEN (c.after->>'last_name')::text
                      ELSE t."last_name"
                  END,
                  "first_name" = CASE
                                     WHEN jsonb_exists(c.after, 'first_name') THEN (c.after->>'first_name')::text
                                     ELSE t."first_name"
                                 END,
                                 "relationship" = CASE
                                                      WHEN jsonb_exists(c.after, 'relationship') THEN (c.after->>'relationship')::text
                                                      ELSE t."relationship"
                                                  END
FROM imports_importchange c
WHERE t."id" = c.object_id
  AND c.run_id = 1
  AND c.kind = 'guardian'
  AND c.before IS NOT NULL
  AND c.after IS NOT NULL
  AND NOT EXISTS
    (SELECT 1
     FROM imports_setaside a
     WHERE a.run_id = 2
       AND a.line = c.line
       AND a.seq = c.seq);

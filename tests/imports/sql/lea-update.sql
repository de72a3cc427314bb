-- LEA: update. Run 2 applies the plan of run 1. Written by tests/imports/test_change_sql.py.

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
              WHEN ((NOT jsonb_exists(c.after, 'code')
                     OR t."code" IS NOT DISTINCT
                     FROM (c.after->>'code')::text)
                    AND (NOT jsonb_exists(c.after, 'name')
                         OR t."name" IS NOT DISTINCT
                         FROM (c.after->>'name')::text)
                    AND (NOT jsonb_exists(c.after, 'state')
                         OR t."state" IS NOT DISTINCT
                         FROM (c.after->>'state')::text)) THEN 'done'
              WHEN NOT ((NOT jsonb_exists(c.before, 'code')
                         OR t."code" IS NOT DISTINCT
                         FROM (c.before->>'code')::text)
                        AND (NOT jsonb_exists(c.before, 'name')
                             OR t."name" IS NOT DISTINCT
                             FROM (c.before->>'name')::text)
                        AND (NOT jsonb_exists(c.before, 'state')
                             OR t."state" IS NOT DISTINCT
                             FROM (c.before->>'state')::text)) THEN 'changed'
              WHEN c.guard IS NOT NULL
                   AND s.identity_hash IS DISTINCT
                   FROM c.guard THEN 'changed'
              WHEN (jsonb_exists(c.after, 'code'))
                   AND EXISTS
                     (SELECT 1
                      FROM
                        (SELECT *
                         FROM "students_lea") o
                      WHERE o."code" = coalesce((c.after->>'code')::text, t."code")
                        AND o."id" <> c.object_id
                        AND o."id" NOT IN
                          (SELECT m.object_id
                           FROM imports_importchange m
                           WHERE m.run_id = 1
                             AND m.kind = 'lea'
                             AND m.before IS NOT NULL
                             AND NOT EXISTS
                               (SELECT 1
                                FROM imports_setaside sa
                                WHERE sa.run_id = 2
                                  AND sa.line = m.line
                                  AND sa.seq = m.seq
                                  AND sa.reason <> 'done'))) THEN 'taken'
          END AS reason
   FROM imports_importchange c
   LEFT JOIN students_student s ON s.id = c.student_id
   LEFT JOIN "students_lea" t ON t."id" = c.object_id
   WHERE c.run_id = 1
     AND c.kind = 'lea'
     AND c.before IS NOT NULL
     AND c.after IS NOT NULL) AS q
WHERE q.reason IS NOT NULL
ORDER BY q.line,
         q.seq,
         q.reason ON CONFLICT DO NOTHING;

-- What still holds is written. (Without the last NOT EXISTS when nothing was set aside.)
UPDATE "students_lea" t
SET "code" = CASE
                 WHEN jsonb_exists(c.after, 'code') THEN (c.after->>'code')::text
                 ELSE t."code"
             END,
             "name" = CASE
                          WHEN jsonb_exists(c.after, 'name') THEN (c.after->>'name')::text
                          ELSE t."name"
                      END,
                      "state" = CASE
                                    WHEN jsonb_exists(c.after, 'state') THEN (c.after->>'state')::text
                                    ELSE t."state"
                                END
FROM imports_importchange c
WHERE t."id" = c.object_id
  AND c.run_id = 1
  AND c.kind = 'lea'
  AND c.before IS NOT NULL
  AND c.after IS NOT NULL
  AND NOT EXISTS
    (SELECT 1
     FROM imports_setaside a
     WHERE a.run_id = 2
       AND a.line = c.line
       AND a.seq = c.seq);

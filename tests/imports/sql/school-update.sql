-- School: update. Run 2 applies the plan of run 1. Written by tests/imports/test_change_sql.py.

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
                    AND (NOT jsonb_exists(c.after, 'code')
                         OR t."code" IS NOT DISTINCT
                         FROM (c.after->>'code')::text)
                    AND (NOT jsonb_exists(c.after, 'name')
                         OR t."name" IS NOT DISTINCT
                         FROM (c.after->>'name')::text)) THEN 'done'
              WHEN NOT ((NOT jsonb_exists(c.before, 'lea_id')
                         OR t."lea_id" IS NOT DISTINCT
                         FROM (c.before->>'lea_id')::bigint)
                        AND (NOT jsonb_exists(c.before, 'code')
                             OR t."code" IS NOT DISTINCT
                             FROM (c.before->>'code')::text)
                        AND (NOT jsonb_exists(c.before, 'name')
                             OR t."name" IS NOT DISTINCT
                             FROM (c.before->>'name')::text)) THEN 'changed'
              WHEN c.guard IS NOT NULL
                   AND s.identity_hash IS DISTINCT
                   FROM c.guard THEN 'changed'
              WHEN (jsonb_exists(c.after, 'lea_id')
                    OR jsonb_exists(c.after, 'code'))
                   AND EXISTS
                     (SELECT 1
                      FROM
                        (SELECT *
                         FROM "students_school") o
                      WHERE o."lea_id" = coalesce((c.after->>'lea_id')::bigint, t."lea_id")
                        AND o."code" = coalesce((c.after->>'code')::text, t."code")
                        AND o."id" <> c.object_id
                        AND o."id" NOT IN
                          (SELECT m.object_id
                           FROM imports_importchange m
                           WHERE m.run_id = 1
                             AND m.kind = 'school'
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
          END AS reason
   FROM imports_importchange c
   LEFT JOIN students_student s ON s.id = c.student_id
   LEFT JOIN "students_school" t ON t."id" = c.object_id
   WHERE c.run_id = 1
     AND c.kind = 'school'
     AND c.before IS NOT NULL
     AND c.after IS NOT NULL) AS q
WHERE q.reason IS NOT NULL
ORDER BY q.line,
         q.seq,
         q.reason ON CONFLICT DO NOTHING;

-- What still holds is written. (Without the last NOT EXISTS when nothing was set aside.)
UPDATE "students_school" t
SET "lea_id" = CASE
                   WHEN jsonb_exists(c.after, 'lea_id') THEN (c.after->>'lea_id')::bigint
                   ELSE t."lea_id"
               END,
               "code" = CASE
                            WHEN jsonb_exists(c.after, 'code') THEN (c.after->>'code')::text
                            ELSE t."code"
                        END,
                        "name" = CASE
                                     WHEN jsonb_exists(c.after, 'name') THEN (c.after->>'name')::text
                                     ELSE t."name"
                                 END
FROM imports_importchange c
WHERE t."id" = c.object_id
  AND c.run_id = 1
  AND c.kind = 'school'
  AND c.before IS NOT NULL
  AND c.after IS NOT NULL
  AND NOT EXISTS
    (SELECT 1
     FROM imports_setaside a
     WHERE a.run_id = 2
       AND a.line = c.line
       AND a.seq = c.seq);

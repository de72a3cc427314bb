-- SSID: update. Run 2 applies the plan of run 1. Written by tests/imports/test_change_sql.py.

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
              WHEN ((NOT jsonb_exists(c.after, 'ssid')
                     OR t."ssid" IS NOT DISTINCT
                     FROM (c.after->>'ssid')::text)
                    AND (NOT jsonb_exists(c.after, 'state')
                         OR t."state" IS NOT DISTINCT
                         FROM (c.after->>'state')::text)
                    AND (NOT jsonb_exists(c.after, 'origin')
                         OR t."origin" IS NOT DISTINCT
                         FROM (c.after->>'origin')::text)
                    AND (NOT jsonb_exists(c.after, 'verified')
                         OR t."verified" IS NOT DISTINCT
                         FROM (c.after->>'verified')::boolean)
                    AND (NOT jsonb_exists(c.after, 'retired_at')
                         OR t."retired_at" IS NOT DISTINCT
                         FROM (c.after->>'retired_at')::timestamp with time zone)) THEN 'done'
              WHEN NOT ((NOT jsonb_exists(c.before, 'ssid')
                         OR t."ssid" IS NOT DISTINCT
                         FROM (c.before->>'ssid')::text)
                        AND (NOT jsonb_exists(c.before, 'state')
                             OR t."state" IS NOT DISTINCT
                             FROM (c.before->>'state')::text)
                        AND (NOT jsonb_exists(c.before, 'origin')
                             OR t."origin" IS NOT DISTINCT
                             FROM (c.before->>'origin')::text)
                        AND (NOT jsonb_exists(c.before, 'verified')
                             OR t."verified" IS NOT DISTINCT
                             FROM (c.before->>'verified')::boolean)
                        AND (NOT jsonb_exists(c.before, 'retired_at')
                             OR t."retired_at" IS NOT DISTINCT
                             FROM (c.before->>'retired_at')::timestamp with time zone)) THEN 'changed'
              WHEN c.guard IS NOT NULL
                   AND s.identity_hash IS DISTINCT
                   FROM c.guard THEN 'changed'
              WHEN (jsonb_exists(c.after, 'state')
                    OR jsonb_exists(c.after, 'ssid'))
                   AND EXISTS
                     (SELECT 1
                      FROM
                        (SELECT *
                         FROM "students_ssid") o
                      WHERE o."state" = coalesce((c.after->>'state')::text, t."state")
                        AND o."ssid" = coalesce((c.after->>'ssid')::text, t."ssid")
                        AND o."id" <> c.object_id
                        AND o."id" NOT IN
                          (SELECT m.object_id
                           FROM imports_importchange m
                           WHERE m.run_id = 1
                             AND m.kind = 'ssid'
                             AND m.before IS NOT NULL
                             AND NOT EXISTS
                               (SELECT 1
                                FROM imports_setaside sa
                                WHERE sa.run_id = 2
                                  AND sa.line = m.line
                                  AND sa.seq = m.seq
                                  AND sa.reason <> 'done'))) THEN 'taken'
              WHEN ((jsonb_exists(c.after, 'retired_at')
                     AND c.after->>'retired_at' IS NULL))
                   AND EXISTS
                     (SELECT 1
                      FROM
                        (SELECT *
                         FROM "students_ssid"
                         WHERE "retired_at" IS NULL) o
                      WHERE o."student_id" = coalesce(c.student_id, t."student_id")
                        AND o."id" <> c.object_id
                        AND o."id" NOT IN
                          (SELECT m.object_id
                           FROM imports_importchange m
                           WHERE m.run_id = 1
                             AND m.kind = 'ssid'
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
   LEFT JOIN "students_ssid" t ON t."id" = c.object_id
   WHERE c.run_id = 1
     AND c.kind = 'ssid'
     AND c.before IS NOT NULL
     AND c.after IS NOT NULL) AS q
WHERE q.reason IS NOT NULL
ORDER BY q.line,
         q.seq,
         q.reason ON CONFLICT DO NOTHING;

-- What still holds is written. (Without the last NOT EXISTS when nothing was set aside.)
UPDATE "students_ssid" t
SET "ssid" = CASE
                 WHEN jsonb_exists(c.after, 'ssid') THEN (c.after->>'ssid')::text
                 ELSE t."ssid"
             END,
             "state" = CASE
                           WHEN jsonb_exists(c.after, 'state') THEN (c.after->>'state')::text
                           ELSE t."state"
                       END,
                       "origin" = CASE
                                      WHEN jsonb_exists(c.after, 'origin') THEN (c.after->>'origin')::text
                                      ELSE t."origin"
                                  END,
                                  "verified" = CASE
                                                   WHEN jsonb_exists(c.after, 'verified') THEN (c.after->>'verified')::boolean
                                                   ELSE t."verified"
                                               END,
                                               "retired_at" = CASE
                                                                  WHEN jsonb_exists(c.after, 'retired_at') THEN (c.after->>'retired_at')::timestamp with time zone
                                                                  ELSE t."retired_at"
                                                              END
FROM imports_importchange c
WHERE t."id" = c.object_id
  AND c.run_id = 1
  AND c.kind = 'ssid'
  AND c.before IS NOT NULL
  AND c.after IS NOT NULL
  AND NOT EXISTS
    (SELECT 1
     FROM imports_setaside a
     WHERE a.run_id = 2
       AND a.line = c.line
       AND a.seq = c.seq);

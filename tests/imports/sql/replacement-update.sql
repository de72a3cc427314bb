-- SSID replacement: update. Run 2 applies the plan of run 1. Written by tests/imports/test_change_sql.py.

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
              WHEN ((NOT jsonb_exists(c.after, 'state')
                     OR t."state" IS NOT DISTINCT
                     FROM (c.after->>'state')::text)
                    AND (NOT jsonb_exists(c.after, 'retired_ssid')
                         OR t."retired_ssid" IS NOT DISTINCT
                         FROM (c.after->>'retired_ssid')::text)
                    AND (NOT jsonb_exists(c.after, 'replacement_ssid')
                         OR t."replacement_ssid" IS NOT DISTINCT
                         FROM (c.after->>'replacement_ssid')::text)) THEN 'done'
              WHEN NOT ((NOT jsonb_exists(c.before, 'state')
                         OR t."state" IS NOT DISTINCT
                         FROM (c.before->>'state')::text)
                        AND (NOT jsonb_exists(c.before, 'retired_ssid')
                             OR t."retired_ssid" IS NOT DISTINCT
                             FROM (c.before->>'retired_ssid')::text)
                        AND (NOT jsonb_exists(c.before, 'replacement_ssid')
                             OR t."replacement_ssid" IS NOT DISTINCT
                             FROM (c.before->>'replacement_ssid')::text)) THEN 'changed'
              WHEN c.guard IS NOT NULL
                   AND s.identity_hash IS DISTINCT
                   FROM c.guard THEN 'changed'
              WHEN (jsonb_exists(c.after, 'state')
                    OR jsonb_exists(c.after, 'retired_ssid'))
                   AND EXISTS
                     (SELECT 1
                      FROM
                        (SELECT *
                         FROM "students_ssidreplacement") o
                      WHERE o."state" = coalesce((c.after->>'state')::text, t."state")
                        AND o."retired_ssid" = coalesce((c.after->>'retired_ssid')::text, t."retired_ssid")
                        AND o."id" <> c.object_id
                        AND o."id" NOT IN
                          (SELECT m.object_id
                           FROM imports_importchange m
                           WHERE m.run_id = 1
                             AND m.kind = 'replacement'
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
   LEFT JOIN "students_ssidreplacement" t ON t."id" = c.object_id
   WHERE c.run_id = 1
     AND c.kind = 'replacement'
     AND c.before IS NOT NULL
     AND c.after IS NOT NULL) AS q
WHERE q.reason IS NOT NULL
ORDER BY q.line,
         q.seq,
         q.reason ON CONFLICT DO NOTHING;

-- What still holds is written. (Without the last NOT EXISTS when nothing was set aside.)
UPDATE "students_ssidreplacement" t
SET "state" = CASE
                  WHEN jsonb_exists(c.after, 'state') THEN (c.after->>'state')::text
                  ELSE t."state"
              END,
              "retired_ssid" = CASE
                                   WHEN jsonb_exists(c.after, 'retired_ssid') THEN (c.after->>'retired_ssid')::text
                                   ELSE t."retired_ssid"
                               END,
                               "replacement_ssid" = CASE
                                                        WHEN jsonb_exists(c.after, 'replacement_ssid') THEN (c.after->>'replacement_ssid')::text
                                                        ELSE t."replacement_ssid"
                                                    END
FROM imports_importchange c
WHERE t."id" = c.object_id
  AND c.run_id = 1
  AND c.kind = 'replacement'
  AND c.before IS NOT NULL
  AND c.after IS NOT NULL
  AND NOT EXISTS
    (SELECT 1
     FROM imports_setaside a
     WHERE a.run_id = 2
       AND a.line = c.line
       AND a.seq = c.seq);

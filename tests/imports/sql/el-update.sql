-- EL record: update. Run 2 applies the plan of run 1. Written by tests/imports/test_change_sql.py.

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
              WHEN t."student_id" IS NULL THEN 'changed'
              WHEN ((NOT jsonb_exists(c.after, 'program_status')
                     OR t."program_status" IS NOT DISTINCT
                     FROM (c.after->>'program_status')::text)
                    AND (NOT jsonb_exists(c.after, 'identified_date')
                         OR t."identified_date" IS NOT DISTINCT
                         FROM (c.after->>'identified_date')::date)
                    AND (NOT jsonb_exists(c.after, 'tbd_date')
                         OR t."tbd_date" IS NOT DISTINCT
                         FROM (c.after->>'tbd_date')::date)
                    AND (NOT jsonb_exists(c.after, 'exit_date')
                         OR t."exit_date" IS NOT DISTINCT
                         FROM (c.after->>'exit_date')::date)
                    AND (NOT jsonb_exists(c.after, 'state_elas')
                         OR t."state_elas" IS NOT DISTINCT
                         FROM (c.after->>'state_elas')::text)
                    AND (NOT jsonb_exists(c.after, 'state_elas_date')
                         OR t."state_elas_date" IS NOT DISTINCT
                         FROM (c.after->>'state_elas_date')::date)
                    AND (NOT jsonb_exists(c.after, 'state_language')
                         OR t."state_language" IS NOT DISTINCT
                         FROM (c.after->>'state_language')::text)) THEN 'done'
              WHEN NOT ((NOT jsonb_exists(c.before, 'program_status')
                         OR t."program_status" IS NOT DISTINCT
                         FROM (c.before->>'program_status')::text)
                        AND (NOT jsonb_exists(c.before, 'identified_date')
                             OR t."identified_date" IS NOT DISTINCT
                             FROM (c.before->>'identified_date')::date)
                        AND (NOT jsonb_exists(c.before, 'tbd_date')
                             OR t."tbd_date" IS NOT DISTINCT
                             FROM (c.before->>'tbd_date')::date)
                        AND (NOT jsonb_exists(c.before, 'exit_date')
                             OR t."exit_date" IS NOT DISTINCT
                             FROM (c.before->>'exit_date')::date)
                        AND (NOT jsonb_exists(c.before, 'state_elas')
                             OR t."state_elas" IS NOT DISTINCT
                             FROM (c.before->>'state_elas')::text)
                        AND (NOT jsonb_exists(c.before, 'state_elas_date')
                             OR t."state_elas_date" IS NOT DISTINCT
                             FROM (c.before->>'state_elas_date')::date)
                        AND (NOT jsonb_exists(c.before, 'state_language')
                             OR t."state_language" IS NOT DISTINCT
                             FROM (c.before->>'state_language')::text)) THEN 'changed'
              WHEN c.guard IS NOT NULL
                   AND s.identity_hash IS DISTINCT
                   FROM c.guard THEN 'changed'
          END AS reason
   FROM imports_importchange c
   LEFT JOIN students_student s ON s.id = c.student_id
   LEFT JOIN "students_elrecord" t ON t."student_id" = c.object_id
   WHERE c.run_id = 1
     AND c.kind = 'el'
     AND c.before IS NOT NULL
     AND c.after IS NOT NULL) AS q
WHERE q.reason IS NOT NULL
ORDER BY q.line,
         q.seq,
         q.reason ON CONFLICT DO NOTHING;

-- What still holds is written. (Without the last NOT EXISTS when nothing was set aside.)
UPDATE "students_elrecord" t
SET "program_status" = CASE
                           WHEN jsonb_exists(c.after, 'program_status') THEN (c.after->>'program_status')::text
                           ELSE t."program_status"
                       END,
                       "identified_date" = CASE
                                               WHEN jsonb_exists(c.after, 'identified_date') THEN (c.after->>'identified_date')::date
                                               ELSE t."identified_date"
                                           END,
                                           "tbd_date" = CASE
                                                            WHEN jsonb_exists(c.after, 'tbd_date') THEN (c.after->>'tbd_date')::date
                                                            ELSE t."tbd_date"
                                                        END,
                                                        "exit_date" = CASE
                                                                          WHEN jsonb_exists(c.after, 'exit_date') THEN (c.after->>'exit_date')::date
                                                                          ELSE t."exit_date"
                                                                      END,
                                                                      "state_elas" = CASE
                                                                                         WHEN jsonb_exists(c.after, 'state_elas') THEN (c.after->>'state_elas')::text
                                                                                         ELSE t."state_elas"
                                                                                     END,
                                                                                     "state_elas_date" = CASE
                                                                                                             WHEN jsonb_exists(c.after, 'state_elas_date') THEN (c.after->>'state_elas_date')::date
                                                                                                             ELSE t."state_elas_date"
                                                                                                         END,
                                                                                                         "state_language" = CASE
                                                                                                                                WHEN jsonb_exists(c.after, 'state_language') THEN (c.after->>'state_language')::text
                                                                                                                                ELSE t."state_language"
                                                                                                                            END
FROM imports_importchange c
WHERE t."student_id" = c.object_id
  AND c.run_id = 1
  AND c.kind = 'el'
  AND c.before IS NOT NULL
  AND c.after IS NOT NULL
  AND NOT EXISTS
    (SELECT 1
     FROM imports_setaside a
     WHERE a.run_id = 2
       AND a.line = c.line
       AND a.seq = c.seq);

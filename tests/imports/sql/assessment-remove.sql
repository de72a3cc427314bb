-- Assessment: remove. Run 2 applies the plan of run 1. Written by tests/imports/test_change_sql.py.

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
              WHEN NOT (t."parent_id" IS NOT DISTINCT
                        FROM (c.before->>'parent_id')::bigint
                        AND t."state_code" IS NOT DISTINCT
                        FROM (c.before->>'state_code')::text
                        AND t."name" IS NOT DISTINCT
                        FROM (c.before->>'name')::text
                        AND t."score_type" IS NOT DISTINCT
                        FROM (c.before->>'score_type')::text
                        AND t."position" IS NOT DISTINCT
                        FROM (c.before->>'position')::smallint
                        AND t."start_date" IS NOT DISTINCT
                        FROM (c.before->>'start_date')::date
                        AND t."first_year" IS NOT DISTINCT
                        FROM (c.before->>'first_year')::smallint
                        AND t."last_year" IS NOT DISTINCT
                        FROM (c.before->>'last_year')::smallint
                        AND t."preferred" IS NOT DISTINCT
                        FROM coalesce((c.before->>'preferred')::boolean, false)
                        AND t."ranged" IS NOT DISTINCT
                        FROM coalesce((c.before->>'ranged')::boolean, true)
                        AND t."results" IS NOT DISTINCT
                        FROM (c.before->>'results')::jsonb
                        AND t."passing_score" IS NOT DISTINCT
                        FROM coalesce((c.before->>'passing_score')::text, '')
                        AND t."comments" IS NOT DISTINCT
                        FROM coalesce((c.before->>'comments')::text, '')
                        AND t."shown_to_families" IS NOT DISTINCT
                        FROM coalesce((c.before->>'shown_to_families')::boolean, false)) THEN 'changed'
              WHEN EXISTS
                     (SELECT 1
                      FROM "assessments_assessment" r
                      WHERE r."parent_id" = c.object_id
                        AND NOT EXISTS
                          (SELECT 1
                           FROM imports_importchange d
                           WHERE d.run_id = 1
                             AND d.kind = 'assessment'
                             AND (d.after IS NULL
                                  OR d.before IS NOT NULL
                                  AND jsonb_exists(d.after, 'parent_id'))
                             AND d.object_id = r."id"
                             AND NOT EXISTS
                               (SELECT 1
                                FROM imports_setaside sa
                                WHERE sa.run_id = 2
                                  AND sa.line = d.line
                                  AND sa.seq = d.seq
                                  AND sa.reason <> 'done'))) THEN 'in_use'
              WHEN c.object_id IN
                     (SELECT r.assessment_id
                      FROM assessments_score r
                      WHERE r.assessment_id IN
                          (SELECT m.object_id
                           FROM imports_importchange m
                           WHERE m.run_id = 2
                             AND m.line = 0
                             AND m.kind = 'assessment')
                        AND (r.run_id IS DISTINCT
                             FROM 0
                             OR r.line IN
                               (SELECT a.line
                                FROM imports_setaside a
                                WHERE a.run_id = 2
                                  AND a.reason <> 'done'))
                        AND NOT EXISTS
                          (SELECT 1
                           FROM imports_importchange d
                           WHERE d.run_id = 2
                             AND d.kind = 'scores'
                             AND d.after IS NULL
                             AND d.student_id = r.student_id
                             AND (d.before->>'school_year')::smallint = r.school_year
                             AND r.assessment_id::text = ANY(ARRAY
                                                               (SELECT split_part(held, '|', 1)
                                                                FROM unnest(string_to_array(d.before->>'scores', ';')) AS held))
                             AND NOT EXISTS
                               (SELECT 1
                                FROM imports_setaside a
                                WHERE a.run_id = 2
                                  AND a.reason <> 'done'
                                  AND a.line = d.line
                                  AND a.seq = d.seq))) THEN 'in_use'
          END AS reason
   FROM imports_importchange c
   LEFT JOIN students_student s ON s.id = c.student_id
   LEFT JOIN "assessments_assessment" t ON t."id" = c.object_id
   WHERE c.run_id = 1
     AND c.kind = 'assessment'
     AND c.line = 0
     AND c.after IS NULL) AS q
WHERE q.reason IS NOT NULL
ORDER BY q.line,
         q.seq,
         q.reason ON CONFLICT DO NOTHING;

-- What still holds is written. (Without the last NOT EXISTS when nothing was set aside.)
DELETE
FROM "assessments_assessment" t USING imports_importchange c
WHERE t."id" = c.object_id
  AND c.run_id = 1
  AND c.kind = 'assessment'
  AND c.line = 0
  AND c.after IS NULL
  AND NOT EXISTS
    (SELECT 1
     FROM imports_setaside a
     WHERE a.run_id = 2
       AND a.line = c.line
       AND a.seq = c.seq);

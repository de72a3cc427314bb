-- Scores: remove. Run 2 applies the plan of run 1. Written by tests/imports/test_change_sql.py.

-- What no longer holds is set aside.
DELETE
FROM moved_line
WHERE run_id = 2
  AND operation = 'remove';
INSERT INTO moved_line
SELECT 2,
       'remove',
       c.line,
       c.seq
FROM imports_importchange c
LEFT JOIN students_student s ON s.id = c.student_id
LEFT JOIN
  (SELECT student_id,
          line,
          school_year,
          count(*) AS n
   FROM assessments_score
   WHERE run_id = 3
     AND school_year = ANY('{2024}'::smallint[])
   GROUP BY student_id,
            line,
            school_year) AS t ON t.student_id = c.student_id
AND t.line = c.line
AND t.school_year = (c.before->>'school_year')::smallint
WHERE c.run_id = 1
  AND c.kind = 'scores'
  AND c.after IS NULL
  AND (s.id IS NULL
       OR t.n IS DISTINCT
       FROM (octet_length(c.before->>'scores') - octet_length(replace(c.before->>'scores', ';', '')) + 1));
INSERT INTO imports_setaside (run_id, line, seq, reason)
SELECT 2,
       judged.line,
       judged.seq,
       CASE
           WHEN judged.done THEN 'done'
           ELSE 'changed'
       END
FROM
  (SELECT t.line,
          t.seq,
          bool_and(now.value IS NOT DISTINCT
                   FROM t.new) AS done,
          bool_and(now.value IS NOT DISTINCT
                   FROM t.old)
   AND bool_and(NOT (t.assessment_id = ANY('{}'))) AS holds
   FROM
     (SELECT line,
             seq,
             student_id,
             school_year,
             assessment_id,
             max(value) FILTER (
                                WHERE side = 'after') AS new,
             max(value) FILTER (
                                WHERE side = 'before') AS old
      FROM
        (SELECT u.line,
                u.seq,
                u.student_id,
                u.school_year,
                u.assessment_id,
                'before' AS side,
                u.assessment_id::text || '|' || translate(u.scale_score, '|;', '') || '|' || translate(u.raw_score, '|;', '') || '|' || translate(u.result, '|;', '') || '|' || translate(u.error_band, '|;', '') || '|' || translate(u.status, '|;', '') || '|' || translate(u.uin, '|;', '') || '|' || translate(u.measure, '|;', '') || '|' || coalesce(u.date::text, '') || '|' || translate(u.grade, '|;', '') || '|||' || u.as_tested AS value
         FROM
           (SELECT q.line,
                   q.seq,
                   q.student_id,
                   q.school_year,
                   split_part(q.score, '|', 1)::bigint AS assessment_id,
                   split_part(q.score, '|', 2) AS scale_score,
                   split_part(q.score, '|', 3) AS raw_score,
                   split_part(q.score, '|', 4) AS result,
                   split_part(q.score, '|', 5) AS error_band,
                   split_part(q.score, '|', 6) AS status,
                   split_part(q.score, '|', 7) AS uin,
                   split_part(q.score, '|', 8) AS measure,
                   CASE
                       WHEN q.grade IS NULL THEN nullif(split_part(q.score, '|', 9), '')::date
                       ELSE q.date
                   END AS date,
                   coalesce(q.grade, split_part(q.score, '|', 10)) AS grade,
                   split_part(q.score, '|', 13) AS as_tested
            FROM
              (SELECT p.line,
                      p.seq,
                      p.student_id,
                      p.school_year,
                      p.date,
                      p.grade,
                      unnest(string_to_array(p.scores, ';')) AS score
               FROM
                 (SELECT c.line,
                         c.seq,
                         c.student_id,
                         (c.before->>'school_year')::smallint AS school_year,
                         (c.before->>'date')::date AS date,
                         c.before->>'grade' AS grade,
                         c.before->>'scores' AS scores
                  FROM imports_importchange c
                  WHERE c.run_id = 1
                    AND c.kind = 'scores'
                    AND c.after IS NULL
                    AND (c.line,
                         c.seq) IN
                      (SELECT m.line,
                              m.seq
                       FROM moved_line m
                       WHERE m.run_id = 2)
                  ORDER BY c.student_id,
                           c.line
                  OFFSET 0) AS p
               OFFSET 0) AS q) AS u) AS sides
      GROUP BY line,
               seq,
               student_id,
               school_year,
               assessment_id) AS t
   LEFT JOIN LATERAL
     (SELECT r.assessment_id::text || '|' || translate(r.scale_score, '|;', '') || '|' || translate(r.raw_score, '|;', '') || '|' || translate(r.result, '|;', '') || '|' || translate(r.error_band, '|;', '') || '|' || translate(r.status, '|;', '') || '|' || translate(r.uin, '|;', '') || '|' || translate(r.measure, '|;', '') || '|' || coalesce(r.date::text, '') || '|' || translate(r.grade, '|;', '') || '|||' || r.as_tested AS value
      FROM assessments_score r
      WHERE r.student_id = t.student_id
        AND r.assessment_id = t.assessment_id
        AND r.school_year = t.school_year
        AND r.school_year = ANY('{2024}'::smallint[])) AS now ON true
   GROUP BY t.line,
            t.seq) AS judged
JOIN imports_importchange c ON c.run_id = 1
AND c.line = judged.line
AND c.seq = judged.seq
LEFT JOIN students_student s ON s.id = c.student_id
WHERE judged.done
  OR NOT judged.holds
  OR s.id IS NULL ON CONFLICT DO NOTHING;

-- What still holds is written. (Without the last NOT EXISTS when nothing was set aside.)
COPY
  (SELECT p.school_year,
          p.scores,
          p.grade
   FROM
     (SELECT c.line,
             c.seq,
             c.student_id,
             (c.before->>'school_year')::smallint AS school_year,
             (c.before->>'date')::date AS date,
             c.before->>'grade' AS grade,
             c.before->>'scores' AS scores
      FROM imports_importchange c
      WHERE c.run_id = 1
        AND c.kind = 'scores'
        AND c.after IS NULL
        AND NOT EXISTS
          (SELECT 1
           FROM imports_setaside a
           WHERE a.run_id = 2
             AND a.line = c.line
             AND a.seq = c.seq)
      ORDER BY c.student_id,
               c.line
      OFFSET 0) AS p) TO STDOUT;
DELETE
FROM assessments_score t USING imports_importchange c
WHERE t.run_id = 3
  AND t.school_year = ANY('{2024}'::smallint[])
  AND t.student_id = c.student_id
  AND t.line = c.line
  AND t.school_year = (c.before->>'school_year')::smallint
  AND c.run_id = 1
  AND c.kind = 'scores'
  AND c.after IS NULL
  AND NOT EXISTS
    (SELECT 1
     FROM imports_setaside a
     WHERE a.run_id = 2
       AND a.line = c.line
       AND a.seq = c.seq)
  AND NOT EXISTS
    (SELECT 1
     FROM moved_line m
     WHERE m.run_id = 2
       AND m.line = c.line
       AND m.seq = c.seq);
COPY
  (SELECT t.assessment_id,
          t.school_year,
          t.grade,
          t.scale_score,
          t.result,
          t.as_tested
   FROM assessments_score AS t
   WHERE run_id = 3
     AND school_year = ANY('{2024}'::smallint[])
     AND t.assessment_id IN
       (SELECT a.id
        FROM assessments_assessment a
        WHERE a.parent_id IS NULL)) TO STDOUT;
DELETE
FROM assessments_score
WHERE run_id = 3
  AND school_year = ANY('{2024}'::smallint[]);

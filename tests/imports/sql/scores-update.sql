-- Scores: update. Run 2 applies the plan of run 1. Written by tests/imports/test_change_sql.py.

-- What no longer holds is set aside.
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
                'after' AS side,
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
                         (c.after->>'school_year')::smallint AS school_year,
                         (c.after->>'date')::date AS date,
                         c.after->>'grade' AS grade,
                         c.after->>'scores' AS scores
                  FROM imports_importchange c
                  WHERE c.run_id = 1
                    AND c.kind = 'scores'
                    AND c.before IS NOT NULL
                    AND c.after IS NOT NULL
                  ORDER BY c.student_id,
                           c.line
                  OFFSET 0) AS p
               OFFSET 0) AS q) AS u
         UNION ALL SELECT u.line,
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
                    AND c.before IS NOT NULL
                    AND c.after IS NOT NULL
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
  OR s.id IS NULL
  OR (c.guard IS NOT NULL
      AND s.identity_hash IS DISTINCT
      FROM c.guard) ON CONFLICT DO NOTHING;

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
        AND c.before IS NOT NULL
        AND c.after IS NOT NULL
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
FROM assessments_score t USING
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
           AND c.before IS NOT NULL
           AND c.after IS NOT NULL
           AND NOT EXISTS
             (SELECT 1
              FROM imports_setaside a
              WHERE a.run_id = 2
                AND a.line = c.line
                AND a.seq = c.seq)
         ORDER BY c.student_id,
                  c.line
         OFFSET 0) AS p
      OFFSET 0) AS q) AS u
WHERE t.student_id = u.student_id
  AND t.assessment_id = u.assessment_id
  AND t.school_year = u.school_year
  AND t.school_year = ANY('{2024}'::smallint[]);
COPY
  (SELECT p.scores,
          p.date,
          p.grade,
          p.school_year,
          p.student_id,
          2,
          p.line
   FROM
     (SELECT c.line,
             c.seq,
             c.student_id,
             (c.after->>'school_year')::smallint AS school_year,
             (c.after->>'date')::date AS date,
             c.after->>'grade' AS grade,
             c.after->>'scores' AS scores
      FROM imports_importchange c
      WHERE c.run_id = 1
        AND c.kind = 'scores'
        AND c.before IS NOT NULL
        AND c.after IS NOT NULL
        AND NOT EXISTS
          (SELECT 1
           FROM imports_setaside a
           WHERE a.run_id = 2
             AND a.line = c.line
             AND a.seq = c.seq)
      ORDER BY c.student_id,
               c.line
      OFFSET 0) AS p) TO STDOUT;
COPY assessments_score (assessment_id, scale_score, raw_score, result, error_band, status, uin, measure, as_tested, date, grade, school_year, student_id, run_id, line)
FROM STDIN;

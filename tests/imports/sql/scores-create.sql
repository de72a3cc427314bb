-- Scores: create. Run 2 applies the plan of run 1. Written by tests/imports/test_change_sql.py.

-- What no longer holds is set aside.
INSERT INTO imports_setaside (run_id, line, seq, reason)
SELECT 2,
       c.line,
       c.seq,
       'changed'
FROM imports_importchange c
LEFT JOIN students_student s ON s.id = c.student_id
WHERE c.run_id = 1
  AND c.kind = 'scores'
  AND c.before IS NULL
  AND (s.id IS NULL
       OR (c.guard IS NOT NULL
           AND s.identity_hash IS DISTINCT
           FROM c.guard)) ON CONFLICT DO NOTHING;
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
                    AND c.before IS NULL
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
        AND r.school_year = t.school_year) AS now ON true
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
        AND c.before IS NULL
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
INSERT INTO assessments_resultcount AS held (assessment_id, school_year, student_group, lea, school, grade, tested, scored, level_1, level_2, level_3, level_4, level_5, scale_count, scale_sum)
SELECT f.assessment_id,
       f.school_year,
       g.code,
       f.lea,
       f.school,
       f.grade,
       1 * sum(f.tested),
       1 * sum(f.scored),
       1 * sum(f.level_1),
       1 * sum(f.level_2),
       1 * sum(f.level_3),
       1 * sum(f.level_4),
       1 * sum(f.level_5),
       1 * sum(f.scale_count),
       1 * sum(f.scale_sum)
FROM
  (SELECT t.*,
          split_part(t.as_tested, ',', 1) AS lea,
          split_part(t.as_tested, ',', 2) AS school,
          split_part(t.as_tested, ',', 5) AS gender,
          split_part(t.as_tested, ',', 6) AS ethnicity,
          split_part(t.as_tested, ',', 7) AS elas,
          split_part(t.as_tested, ',', 8) AS disadvantaged,
          split_part(t.as_tested, ',', 9) AS disability,
          split_part(t.as_tested, ',', 10) AS homeless,
          split_part(t.as_tested, ',', 11) AS foster,
          split_part(t.as_tested, ',', 12) AS migrant,
          split_part(t.as_tested, ',', 13) AS military
   FROM
     (SELECT s.assessment_id,
             s.school_year,
             s.grade,
             s.as_tested,
             count(*) FILTER (
                              WHERE s.took) AS tested,
             count(*) FILTER (
                              WHERE s.counts
                                AND (s.level IS NOT NULL
                                     OR s.counts
                                     AND s.scale_score ~ '^[0-9]{1,4}$')) AS scored,
             count(*) FILTER (
                              WHERE s.counts
                                AND s.level = 1) AS level_1,
             count(*) FILTER (
                              WHERE s.counts
                                AND s.level = 2) AS level_2,
             count(*) FILTER (
                              WHERE s.counts
                                AND s.level = 3) AS level_3,
             count(*) FILTER (
                              WHERE s.counts
                                AND s.level = 4) AS level_4,
             count(*) FILTER (
                              WHERE s.counts
                                AND s.level = 5) AS level_5,
             count(*) FILTER (
                              WHERE s.counts
                                AND s.scale_score ~ '^[0-9]{1,4}$') AS scale_count,
             coalesce(sum(CASE
                              WHEN s.counts
                                   AND s.scale_score ~ '^[0-9]{1,4}$' THEN s.scale_score::int
                          END), 0) AS scale_sum
      FROM
        (SELECT s.*,
                CASE
                    WHEN s.result ~ '^[1-5]$' THEN s.result::int
                    WHEN starts_with(s.result, 'Initial Fluent') THEN 3
                    WHEN s.result = 'Intermediate English Learner' THEN 2
                    WHEN s.result = 'Novice English Learner' THEN 1
                END AS level,
                split_part(s.as_tested, ',', 4) IN ('',
                                                    'Y') AS counts,
                                                   split_part(s.as_tested, ',', 4) IN ('',
                                                                                       'Y',
                                                                                       'T',
                                                                                       'R') AS took
         FROM
           (SELECT split_part(q.score, '|', 1)::bigint AS assessment_id,
                   q.school_year,
                   coalesce(q.grade, split_part(q.score, '|', 10)) AS grade,
                   split_part(q.score, '|', 13) AS as_tested,
                   split_part(q.score, '|', 2) AS scale_score,
                   split_part(q.score, '|', 4) AS result
            FROM
              (SELECT p.school_year,
                      p.grade,
                      CASE
                          WHEN split_part(p.scores, '|', 1) = ANY('{}') THEN split_part(p.scores, ';', 1)
                          ELSE
                                 (SELECT s
                                  FROM unnest(string_to_array(p.scores, ';')) AS s
                                  WHERE split_part(s, '|', 1) = ANY('{}')
                                  LIMIT 1)
                      END AS score
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
                    AND c.before IS NULL
                    AND NOT EXISTS
                      (SELECT 1
                       FROM imports_setaside a
                       WHERE a.run_id = 2
                         AND a.line = c.line
                         AND a.seq = c.seq)
                  ORDER BY c.student_id,
                           c.line
                  OFFSET 0) AS p) AS q
            WHERE q.score IS NOT NULL) AS s
         OFFSET 0) AS s
      GROUP BY 1,
               2,
               3,
               4) AS t
   OFFSET 0) AS f
CROSS JOIN LATERAL unnest(ARRAY['all', CASE
                                           WHEN f.gender IN ('F', 'M', 'X') THEN 'g:' || f.gender
                                       END, CASE
                                                WHEN f.ethnicity IN ('100', '200', '300', '400', '500', '600', '700', '800') THEN 'e:' || f.ethnicity
                                            END, CASE
                                                     WHEN f.elas IN ('EO', 'IFEP', 'EL', 'RFEP', 'TBD', 'ADEL') THEN 'l:' || f.elas
                                                 END, CASE
                                                          WHEN f.disadvantaged IN ('Y', 'N') THEN 's:' || f.disadvantaged
                                                      END, CASE
                                                               WHEN f.disability IN ('Y', 'N') THEN 'd:' || f.disability
                                                           END, CASE
                                                                    WHEN f.homeless IN ('Y') THEN 'h:' || f.homeless
                                                                END, CASE
                                                                         WHEN f.foster IN ('Y') THEN 'f:' || f.foster
                                                                     END, CASE
                                                                              WHEN f.migrant IN ('Y') THEN 'm:' || f.migrant
                                                                          END, CASE
                                                                                   WHEN f.military IN ('Y') THEN 'a:' || f.military
                                                                               END]) AS g(code)
WHERE g.code IS NOT NULL
GROUP BY 1,
         2,
         3,
         4,
         5,
         6
HAVING sum(f.tested) > 0
OR sum(f.scored) > 0
ORDER BY 1,
         2,
         3,
         4,
         5,
         6 ON CONFLICT (assessment_id,
                        school_year,
                        student_group,
                        lea,
                        school,
                        grade) DO
UPDATE
SET tested = held.tested + excluded.tested,
    scored = held.scored + excluded.scored,
    level_1 = held.level_1 + excluded.level_1,
    level_2 = held.level_2 + excluded.level_2,
    level_3 = held.level_3 + excluded.level_3,
    level_4 = held.level_4 + excluded.level_4,
    level_5 = held.level_5 + excluded.level_5,
    scale_count = held.scale_count + excluded.scale_count,
    scale_sum = held.scale_sum + excluded.scale_sum;

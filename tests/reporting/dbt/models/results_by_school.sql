-- Percent at level 3 or above, by school, grade and year.
select
    school_year,
    assessment_code,
    school,
    grade_assessed,
    count(*) as students,
    round(100.0 * count(*) filter (where level in ('3', '4')) / count(*), 1) as percent_met
from {{ ref('stg_tests') }}
where counts and level <> ''
group by 1, 2, 3, 4

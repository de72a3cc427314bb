-- Scores of the tests themselves, without their parts, with who was tested.
select
    s.student_id,
    s.assessment_id,
    s.school_year,
    s.assessment_code,
    s.grade_assessed,
    nullif(s.scale_score, '')::numeric as scale_score,
    s.level,
    s.level_name,
    coalesce(t.school_as_tested, s.school_code) as school,
    coalesce(t.include_indicator, '') in ('', 'Y') as counts,
    i.file_name as came_with
from {{ source('sisimport', 'scores') }} as s
left join {{ source('sisimport', 'as_tested') }} as t
    on t.student_id = s.student_id and t.assessment_id = s.assessment_id
    and t.school_year_end = s.school_year_end
left join {{ source('sisimport', 'imports') }} as i on i.run = s.run
where s.parent_code = ''

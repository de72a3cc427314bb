-- One row for each student enrolled today, with SSID, English learner status and the first day at the school.
select
    s.student_id,
    s.local_number,
    s.school_code,
    s.grade,
    s.ssid,
    (select count(*) from {{ source('sisimport', 'ssids') }} as x where x.student_id = s.student_id and not x.is_current)
        as former_ssids,
    coalesce(e.state_elas, '') as elas,
    min(n.start_date) as here_since
from {{ source('sisimport', 'students') }} as s
left join {{ source('sisimport', 'el') }} as e on e.student_id = s.student_id
left join {{ source('sisimport', 'enrollments') }} as n
    on n.student_id = s.student_id and n.school_code = s.school_code
where s.enrolled
group by 1, 2, 3, 4, 5, 6, 7

"""Names of the demo district's invented people and schools. Plain data; commas do not occur in any of them."""

# ruff: noqa: SIM905 - one word list is easier to read and extend than a hundred quoted names

GIRLS = (
    "María|Sofía|Isabella|Camila|Valentina|Lucía|Ximena|Emma|Olivia|Ava|Mia|Zoë|Renée|Chloé|Anaïs|Noémie|Anne-Marie|"
    "Mary-Kate|D'Asia|Ja'Nae|Linh|Thảo|Ngọc|Phương|Mai|Yuki|Hana|Sakura|Ji-woo|Seo-yeon|Mei|Xiu-Ying|Priya|Ananya|"
    "Aaliyah|Fátima|Leïla|Nour|Zahra|Åsa|Freja|Søren-Marie|Jadwiga|Małgorzata|Zuzanna|Katarína|Eliška|Ioana|Ştefania|"
    "Dragana|Ana|Eva|Luz|Inés|Begoña|Araceli|Guadalupe|Itzel|Xóchitl|Citlali|Malia|Leilani|Kaʻiulani|Grace|Hannah|"
    "Abigail|Naomi|Ruth|Ada|Imani|Nia|Amara|Chidinma|Ọlá|Tala|Maricel|Rosario|Pilar|Jo|Kim|Sam|Alex"
).split("|")

BOYS = (
    "José|Jesús|Luis|Ángel|Martín|Iván|Joaquín|Sebastián|Mateo|Santiago|Liam|Noah|Ethan|François|René|Jean-Luc|"
    "Jean-Pierre|D'Andre|De'Shawn|Ke'Von|Minh|Đức|Hùng|Quốc|Tuấn|Kenji|Haruto|Ji-ho|Min-jun|Wei|Jun-Hao|Arjun|Rohan|"
    "Omar|Yusuf|Tariq|Björn|Jürgen|Łukasz|Paweł|Ondřej|Štefan|Mihai|Răzvan|Nikola|Óscar|Raúl|Efraín|Cuauhtémoc|"
    "Tonatiuh|Kai|Keanu|Kamakoa|Benjamin|Isaac|Elijah|Caleb|Theo|Otis|Kofi|Kwame|Chukwuemeka|Olu|Jomar|Reynaldo|"
    "Emilio|Diego|Hugo|Iker|Nicolás|Adrián|Rubén|Saúl|Víctor|Aram|Vahan|Levon|Bao|Tou|Chue|Jo|Kim|Sam|Alex"
).split("|")

MIDDLE = (
    "Luis|Luz|Marie|Ann|Lee|Van|Thị|Văn|James|Grace|Rose|José|María|de Jesús|del Carmen|Alejandro|Alejandra|Ngoc|"
    "Kaur|Singh|O.|J.|Noel|Joy|Ray|Mae|Elías|Inés|André|Renée|Quinn|Skye"
).split("|")

LAST = (
    "García|Martínez|Rodríguez|López|Hernández|González|Pérez|Sánchez|Ramírez|Torres|Núñez|Muñoz|Peña|Ibáñez|Ordóñez|"
    "Zúñiga|Díaz|Vásquez|Ávila|Ríos|de la Cruz|De León|del Río|de los Santos|Nguyễn|Trần|Lê|Phạm|Huỳnh|Võ|Đặng|Bùi|"
    "Tran|Nguyen|Lee|Kim|Park|Choi|Chen|Wang|Liu|Zhang|Wong|Chan|Yamamoto|Satō|Itō|Nakamura|Patel|Singh|Kaur|Sharma|"
    "Khan|Ahmed|Al-Farsi|El Amrani|Haddad|Petrosyan|Hovhannisyan|Sarkisian|O'Neil|O'Brien|O'Connor|D'Angelo|Dell'Orto|"
    "L'Heureux|Mac Donald|McCarthy|St. John|St. Clair|Van der Berg|van Dijk|von Hügel|Müller|Weiß|Groß|Schröder|"
    "Lindström|Åkesson|Sørensen|Kjær|Nowak|Wiśniewski|Dvořák|Novák|Ionescu|Ţîrcă|Kovačević|Jovanović|Silva|Gonçalves|"
    "Conceição|Kealoha|Kaʻanāʻanā|Tuiasosopo|Fa'asavalu|Smith|Johnson|Brown|Davis|Wilson|Moore|Taylor|Washington|"
    "Jefferson|Baptiste|Okafor|Adébáyọ̀|Mensah|Vang|Xiong|Yang|Thao|Santos|Reyes|Cruz|Bautista|Dela Peña|Villanueva|"
    "Ochoa|Beltrán|Cárdenas|Fuentes|Montoya|Orozco|Quiñones|Yáñez|Begay|Tsosie|Whitehorse"
).split("|")

SCHOOL_FIRST = (
    "Cedar|Maple|Willow|Sycamore|Laurel|Manzanita|Juniper|Alder|Redwood|Poppy|Heron|Falcon|Quail|Condor|Sierra|Mission|"
    "Harbor|Summit|Valley|Canyon|Mesa|Orchard|Vineyard|Lakeview|Riverside|Sunrise|Golden|Silver|Granite|Coral"
).split("|")
SCHOOL_SECOND = (
    "Grove|Creek|Hill|Park|Ridge|Springs|Meadow|Point|Terrace|Heights|Glen|Oaks|Bluff|Vista|Field|Crossing|Landing|"
    "Gate|Bend|Hollow"
).split("|")

LANGUAGES = "spa|vie|cmn|yue|kor|fil|hye|ara|rus|fas|khm|hmn|pan|por|jpn".split("|")
ETHNICITIES = [
    "Hispanic or Latino",
    "White",
    "Asian",
    "Black or African American",
    "Filipino",
    "Two or more",
    "Pacific Islander",
]

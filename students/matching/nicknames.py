"""Short forms of given names, as families and schools write them: names of one line may stand for each other."""

_GROUPS = """
abigail abby gail
albert alberto al bert beto
alejandro alex alejo
alejandra alex ale
alexander alex xander sasha
alexandra alex sandra lexi sasha
alfredo fred fredo
andrew andy drew
anthony tony
antonio tony tono
barbara barb
benjamin ben benji benny
cameron cam
catherine katherine cathy kathy kate katie cat kat
charles charlie chuck
charlotte charlie lottie
christina cristina chris tina
christopher chris topher
consuelo chelo
cynthia cindy
daniel dan danny
daniela dani
david dave davey
deborah debbie deb
dolores lola
dominic dom nick
edward eduardo ed eddie ned lalo
eleanor ellie nora
elizabeth eliza liz beth betsy lisa libby ellie
emily em emmy
enrique quique henry
ernesto neto ernie
esperanza espe
eugene gene
evelyn eve evie
fernando fer nando
francis francisco frank paco pancho kiko
gabriel gabe
gabriela gaby gabi
gerald gerardo jerry gera
gilbert gilberto gil beto
graciela chela
gregory greg
guadalupe lupe lupita
guillermo memo
gustavo gus tavo
henry harry hank
ignacio nacho
isabel isabella isa bella izzy
jacob jake
jacqueline jackie
james jim jimmy jamie
jason jay
jeffrey jeff
jennifer jen jenny
jeremy jerry
jessica jess jessie
jesus chuy
jonathan jon john
john johnny jack
jose pepe
joseph joe joey
josefina fina pepita
joshua josh
judith judy
kenneth ken kenny
kimberly kim
lawrence larry
leonardo leo
leticia lety
lillian lily
luis lucho
madeline maddie
manuel manny manolo
margaret margarita maggie meg peggy margie
maria mari
mariana mari
matthew mateo matt
melissa mel lissa
michael mike mickey
michelle shelly
miguel mike
mohammed muhammad mohamed mohammad
natalie nat
nathan nathaniel nate
nicholas nicolas nick nico
olivia liv
pamela pam
patricia patty pat tricia paty
patrick pat
pedro perico
peter pete
philip phillip phil
rafael rafa
ramon moncho
raymond raimundo ray
rebecca becky
ricardo ricky
richard rick dick rich richie
robert roberto rob bob bobby beto
rodrigo rigo
ronald ron ronnie
rosario chayo
rosa rosie rosita
samantha sam
samuel sam sammy
sebastian seb bastian
sergio checo
sofia sophia sophie sofi
stephanie steph
stephen steven steve
susan suzanne sue susie
teresa theresa tere terry
theodore ted teddy theo
thomas tom tommy
timothy tim
valentina vale tina
vanessa nessa
veronica vero ronnie
victor vic
victoria vicky tori
vincent vicente vince chente
william bill billy will liam
yolanda yoli
zachary zach zack
"""


def _read() -> dict[str, frozenset[int]]:
    groups: dict[str, set[int]] = {}
    for number, line in enumerate(_GROUPS.strip().splitlines()):
        for name in line.split():
            groups.setdefault(name, set()).add(number)
    return {name: frozenset(numbers) for name, numbers in groups.items()}


_OF_NAME = _read()


def are_short_forms(one: str, other: str) -> bool:
    """May these two folded names (see matching.fold) stand for each other?"""
    return not _OF_NAME.get(one, frozenset()).isdisjoint(_OF_NAME.get(other, frozenset()))

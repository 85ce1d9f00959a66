"""The words of the notice, in each language. All say the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.settings import ExceptionKind, PlaceKind
from pipeline.wording import Language


@dataclass(frozen=True)
class NoticeWords:
    """`kept`: by topic, each with {time}. `sums`: of emotion-events where no record of a face is kept."""

    title: str
    what_happens: str
    who_title: str
    who: str
    purpose_title: str
    forbidden: Mapping[PlaceKind, str]
    reasons: Mapping[ExceptionKind, str]
    exception: str
    zone: str
    camera: str
    same_purpose: str
    processed_title: str
    processed: tuple[str, ...]
    kept_title: str
    kept: Mapping[str, str]
    sums: str
    ask_title: str
    ask: str
    law: str
    gap: str


ENGLISH = NoticeWords(
    title="Cameras here read apparent facial expressions",
    what_happens="Cameras film this place. Software looks for faces in the pictures and estimates which of seven "
    "expressions each face seems to show: angry, disgusted, afraid, happy, sad, surprised or neutral. That is how a "
    "face looks, not what somebody feels. The estimate may be wrong.",
    who_title="Who runs this",
    who="{operator} (site: {site})",
    purpose_title="What it is for",
    forbidden={"workplace": "at workplaces", "education": "in education"},
    reasons={"medical": "medical reasons", "safety": "safety reasons"},
    exception="In the European Union, inferring emotions {place} is forbidden, except for medical or safety reasons. "
    "It is done here for {reasons}: {reference}. Responsible: {person}.",
    zone="In the area “{name}”",
    camera="In front of the camera “{name}”",
    same_purpose="It is for the purpose named above.",
    processed_title="What is processed",
    processed=(
        "Pictures of the cameras: whoever is in view is filmed, visitors and staff, too.",
        "Of each face: where it is in the picture, how large and how sharp it is, and the estimate of its expression.",
        "While a face is in view, a random number by which it is followed from picture to picture. It is given anew "
        "each time and belongs to no name.",
        "Nobody is recognised: no face is compared with other pictures, and no description of a face is made by which "
        "it could be found again.",
        "The software decides nothing about anybody: what it tells is a reason for people to look.",
    ),
    kept_title="What is kept, and for how long",
    kept={
        "frames": "Pictures, while they wait to be read: about {time}.",
        "previews": "Small pictures for the screen of those who run this, too blurred to recognise a face: about "
        "{time}.",
        "emotion-events": "What was estimated in each picture, without the picture: {time}.",
        "emotion-windows": "Figures by the minute for each camera, area and the site: {time}.",
        "emotion-alerts": "Alerts, and who looked after them: {time}.",
        "audit": "Who changed what in the system: {time}.",
    },
    sums="Sums of ten seconds for each camera and area, and nothing of single faces; figures that fewer than {fewest} "
    "faces are behind are withheld: {time}.",
    ask_title="Whom to ask",
    ask="{contact}. You may ask what is kept, about your rights, and how to object.",
    law="This notice is given because people who are exposed to such a system must be told (EU AI Act, Art. 50(3)).",
    gap="to be filled in",
)

GERMAN = NoticeWords(
    title="Kameras schätzen hier den sichtbaren Gesichtsausdruck",
    what_happens="Dieser Ort wird von Kameras gefilmt. Eine Software sucht in den Bildern nach Gesichtern und schätzt, "
    "welchen von sieben Ausdrücken ein Gesicht zu zeigen scheint: wütend, angewidert, ängstlich, fröhlich, traurig, "
    "überrascht oder neutral. Das ist, wie ein Gesicht aussieht, nicht, was jemand fühlt. Die Schätzung kann falsch "
    "sein.",
    who_title="Wer das betreibt",
    who="{operator} (Standort: {site})",
    purpose_title="Wozu",
    forbidden={"workplace": "am Arbeitsplatz", "education": "in Bildungseinrichtungen"},
    reasons={"medical": "aus medizinischen Gründen", "safety": "aus Sicherheitsgründen"},
    exception="In der Europäischen Union ist es verboten, {place} Emotionen abzuleiten, außer aus medizinischen "
    "Gründen oder Sicherheitsgründen. Hier geschieht es {reasons}: {reference}. Verantwortlich: {person}.",
    zone="Im Bereich „{name}“",
    camera="Vor der Kamera „{name}“",
    same_purpose="Es geschieht zu dem oben genannten Zweck.",
    processed_title="Was verarbeitet wird",
    processed=(
        "Bilder der Kameras: Gefilmt wird, wer im Bild ist, auch Besucher und Mitarbeiter.",
        "Von jedem Gesicht: wo im Bild es ist, wie groß und wie scharf, und die Schätzung seines Ausdrucks.",
        "Solange ein Gesicht im Bild ist, eine zufällige Nummer, an der es von Bild zu Bild verfolgt wird. Sie wird "
        "jedes Mal neu vergeben und gehört zu keinem Namen.",
        "Niemand wird erkannt: Kein Gesicht wird mit anderen Bildern verglichen, und keine Beschreibung eines Gesichts "
        "wird erstellt, an der es wiedergefunden werden könnte.",
        "Die Software entscheidet nichts über Menschen: Was sie meldet, ist ein Anlass, nachzusehen.",
    ),
    kept_title="Was aufbewahrt wird, und wie lange",
    kept={
        "frames": "Bilder, solange sie auf die Auswertung warten: etwa {time}.",
        "previews": "Kleine Bilder für den Bildschirm der Betreiber, zu unscharf, um ein Gesicht zu erkennen: etwa "
        "{time}.",
        "emotion-events": "Was in jedem Bild geschätzt wurde, ohne das Bild: {time}.",
        "emotion-windows": "Zahlen je Minute für jede Kamera, jeden Bereich und den Standort: {time}.",
        "emotion-alerts": "Meldungen, und wer sich um sie gekümmert hat: {time}.",
        "audit": "Wer am System was geändert hat: {time}.",
    },
    sums="Summen über zehn Sekunden je Kamera und Bereich, und nichts zu einzelnen Gesichtern; Zahlen, hinter denen "
    "weniger als {fewest} Gesichter stehen, werden zurückgehalten: {time}.",
    ask_title="An wen Sie sich wenden können",
    ask="{contact}. Sie können fragen, was aufbewahrt wird, welche Rechte Sie haben und wie Sie widersprechen.",
    law="Dieser Hinweis steht hier, weil Menschen, die einem solchen System ausgesetzt sind, davon wissen müssen "
    "(KI-Verordnung der EU, Art. 50 Abs. 3).",
    gap="noch einzutragen",
)

FRENCH = NoticeWords(
    title="Des caméras estiment ici l’expression apparente des visages",
    what_happens="Ce lieu est filmé. Un logiciel cherche les visages dans les images et estime laquelle de sept "
    "expressions chaque visage semble montrer : colère, dégoût, peur, joie, tristesse, surprise ou neutre. C’est "
    "l’apparence d’un visage, non ce que la personne ressent. L’estimation peut être fausse.",
    who_title="Qui en est responsable",
    who="{operator} (site : {site})",
    purpose_title="À quoi cela sert",
    forbidden={"workplace": "sur le lieu de travail", "education": "dans l’enseignement"},
    reasons={"medical": "pour des raisons médicales", "safety": "pour des raisons de sécurité"},
    exception="Dans l’Union européenne, il est interdit d’inférer des émotions {place}, sauf pour des raisons "
    "médicales ou de sécurité. Cela se fait ici {reasons} : {reference}. Responsable : {person}.",
    zone="Dans la zone « {name} »",
    camera="Devant la caméra « {name} »",
    same_purpose="La finalité est celle indiquée ci-dessus.",
    processed_title="Ce qui est traité",
    processed=(
        "Les images des caméras : toute personne dans le champ est filmée, visiteurs et personnel compris.",
        "Pour chaque visage : sa place dans l’image, sa taille, sa netteté et l’estimation de son expression.",
        "Tant qu’un visage est dans le champ, un numéro aléatoire qui permet de le suivre d’image en image. Il est "
        "nouveau chaque fois et n’est lié à aucun nom.",
        "Personne n’est reconnu : aucun visage n’est comparé à d’autres images, et il n’est fait d’aucun visage une "
        "description qui permettrait de le retrouver.",
        "Le logiciel ne décide rien sur personne : ce qu’il signale invite à aller voir.",
    ),
    kept_title="Ce qui est conservé, et combien de temps",
    kept={
        "frames": "Les images, tant qu’elles attendent d’être lues : environ {time}.",
        "previews": "De petites images pour l’écran des responsables, trop floues pour reconnaître un visage : environ "
        "{time}.",
        "emotion-events": "Ce qui a été estimé dans chaque image, sans l’image : {time}.",
        "emotion-windows": "Des chiffres par minute pour chaque caméra, chaque zone et le site : {time}.",
        "emotion-alerts": "Les alertes, et qui s’en est occupé : {time}.",
        "audit": "Qui a changé quoi dans le système : {time}.",
    },
    sums="Des sommes sur dix secondes par caméra et par zone, et rien sur un visage seul ; les chiffres qui reposent "
    "sur moins de {fewest} visages sont retenus : {time}.",
    ask_title="À qui s’adresser",
    ask="{contact}. Vous pouvez demander ce qui est conservé, quels sont vos droits et comment vous opposer.",
    law="Cet avis est donné parce que les personnes exposées à un tel système doivent en être informées (règlement de "
    "l’UE sur l’IA, art. 50, par. 3).",
    gap="à compléter",
)

NOTICE_WORDS = {Language.EN: ENGLISH, Language.DE: GERMAN, Language.FR: FRENCH}

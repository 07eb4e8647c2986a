// What the pages say, in Dutch.
import type { Messages } from './en.ts'

export const nl: Messages = {
  name: 'Nederlands',
  language: 'Taal',
  noCryptoTitle: 'Deze pagina heeft https nodig',
  noCrypto:
    'Browsers versleutelen en ontsleutelen alleen op https-adressen, en dit is er geen. Er is niets verzonden. Open hetzelfde adres met https:// ervoor, of vraag de beheerder van deze server om dat in te stellen.',
  unexpected:
    'De server gaf een antwoord dat deze pagina niet kent. Laad de pagina opnieuw en probeer het nog eens; helpt dat niet, meld het dan aan de beheerder van deze server.',
  copied: 'Gekopieerd.',
  copyFailed:
    'De browser laat deze pagina niet kopiëren. De tekst is nu geselecteerd: kopieer hem met het toetsenbord of het menu.',

  createTitle: 'Deel een geheim, één keer',
  createLead:
    'Het wordt in je browser versleuteld. De link toont het één keer, daarna is het weg. De server komt nooit te weten wat het was.',
  secret: 'Geheim',
  secretHint: 'Typ of plak het, of sleep een bestand hierheen.',
  chooseFile: 'Bestand kiezen',
  fileNote: 'Wordt byte voor byte gedeeld, de naam niet.',
  removeFile: 'Bestand verwijderen',
  size: (size, most) => `${size} van ${most}`,
  empty: 'Er is nog niets om te delen. Typ of plak een geheim, of kies een bestand.',
  tooLarge: (size, most) =>
    `Dat is ${size}, en in een link past hoogstens ${most}. Kort het in of verdeel het over meerdere links.`,
  oneFile: 'In een link past één bestand. Sleep ze een voor een hierheen of voeg ze samen tot één.',
  fileUnreadable: 'Het bestand kon niet worden gelezen. Kies het opnieuw of plak de inhoud.',
  lifetime: 'De link werkt',
  newPassphrase: 'Wachtwoordzin (optioneel)',
  newPassphraseHint:
    'Wie de link opent, moet die ook kennen. Geef hem door langs een andere weg, bijvoorbeeld per telefoon.',
  make: 'Link maken',
  making: 'Versleutelen…',
  accountsOnly:
    'Deze server maakt alleen links voor mensen met een account. Maak er een op de opdrachtregel:',
  sharesOff: 'Deze server maakt geen links meer. Geef het geheim op een andere manier door.',
  makeUnanswered:
    'Er kwam geen antwoord van de server. Je geheim staat hier nog: controleer je verbinding en probeer het opnieuw.',
  makeTooMany: (wait) =>
    `Er zijn hiervandaan te veel links gemaakt. Je geheim staat hier nog: wacht ${wait} en probeer het dan opnieuw.`,
  passphraseRefused:
    'De wachtwoordzin bevat een teken dat andere apparaten anders kunnen lezen. Kies een andere.',
  makeTooLarge:
    'De server neemt geen geheim van deze grootte aan. Kort het in of verdeel het over meerdere links.',

  madeTitle: 'De link is klaar',
  madeLead:
    'Stuur hem naar één persoon. Wie hem als eerste opent, leest het geheim; daarna opent hij niets meer.',
  madePassphrase: 'De wachtwoordzin is ook nodig. Geef hem door langs een andere weg dan de link.',
  link: 'Link',
  copyLink: 'Link kopiëren',
  qrCode: 'QR-code van de link',
  pending: (until) => `Nog niet gelezen. De link werkt tot ${until}.`,
  read: (when) =>
    `Gelezen op ${when}. De link opent niets meer. Heeft je ontvanger het niet gelezen, verander het geheim dan nu: iemand anders kent het.`,
  expired: (when) => `Verlopen op ${when}, ongelezen. Is het geheim nog nodig, maak dan een nieuwe link.`,
  revoked: (when) => `Ingetrokken op ${when}, ongelezen. De link opent niets meer.`,
  receiptGone: 'De server weet niets meer van deze link. Vraag het je ontvanger of maak een nieuwe.',
  receiptUnanswered:
    'De server antwoordt op dit moment niet. Deze pagina blijft vragen of het geheim is gelezen.',
  keepOpen:
    'Alleen deze pagina kan zeggen of het is gelezen, en de link intrekken. Houd haar open zolang dat voor je telt.',
  revoke: 'Link intrekken',
  revokeUnanswered:
    'Er kwam geen antwoord, dus misschien werkt de link nog. Controleer je verbinding en trek hem opnieuw in.',
  makeAnother: 'Nog een link maken',
  forPrograms: 'Voor scripts en programma’s: het HTTP-contract (Engels)',

  openTitle: 'Een geheim voor jou',
  openLead:
    'Het kan één keer worden getoond. Daarna is de server het vergeten en opent de link niets meer. Bedenk dus eerst waar je het bewaart.',
  passphrase: 'Wachtwoordzin',
  passphraseHint: 'De afzender geeft hem aan je door langs een andere weg dan de link.',
  show: 'Eén keer tonen',
  opening: 'Openen…',
  tryAgain: 'Opnieuw proberen',
  goneTitle: 'Het geheim lijkt weg te zijn',
  gone: 'Het is gelezen, verlopen of ingetrokken. De server vertelt wie de link heeft welk van de drie het was, en wanneer.',
  askWhich: 'Vragen wat er gebeurd is',
  shownTitle: 'Het geheim',
  shown: 'Het staat nu alleen nog op dit scherm. Kopieer of download het voordat je de pagina sluit.',
  shownFile:
    'Het is een bestand en geen tekst, dus het kan hier niet staan. Download het voordat je de pagina sluit.',
  copySecret: 'Kopiëren',
  download: 'Downloaden',
  damagedTitle: 'De link is niet volledig',
  damaged:
    'Een deel ontbreekt of is beschadigd, meestal wat na “#” staat. Er is niets verzonden en niets verloren. Kopieer de hele link opnieuw of vraag de afzender erom.',
  wrongKeyTitle: 'De link is beschadigd',
  wrongKey:
    'Hier staat een geheim, maar de sleutel in de link past er niet op. Er is niets verloren. Kopieer de hele link opnieuw of vraag de afzender erom.',
  wrongPassphrase:
    'De wachtwoordzin past niet bij deze link. Er is niets verloren: controleer beide en probeer het opnieuw.',
  passphraseNeeded:
    'Dit geheim heeft een wachtwoordzin. Vul de wachtwoordzin in die de afzender je heeft gegeven.',
  tooManyTries: (wait) =>
    `Er waren te veel foute pogingen. Er is niets verloren: wacht ${wait} en probeer het dan opnieuw.`,
  unanswered:
    'Er kwam geen antwoord van de server. Er is niets verloren: houd deze pagina open, controleer je verbinding en probeer het binnen een minuut opnieuw.',
  consumedTitle: 'Al gelezen',
  consumed: (when) =>
    `Het is gelezen op ${when} en kan maar één keer worden gelezen. Was jij dat niet, vertel het de afzender dan meteen: iemand anders kent het geheim.`,
  expiredTitle: 'Verlopen',
  expiredUnread: (when) => `Het is ongelezen verlopen op ${when}. Vraag de afzender om een nieuwe link.`,
  revokedTitle: 'Ingetrokken',
  revokedUnread: (when) =>
    `De afzender heeft het ingetrokken op ${when}, voordat iemand het las. Heb je het nog nodig, vraag dan om een nieuwe link.`,
  unknownTitle: 'Hier is niets',
  unknown:
    'Onder deze link staat geen geheim, of dat is lang geleden. Vergelijk hem met de link die je kreeg of vraag de afzender om een nieuwe.',
  undecryptableTitle: 'Het gaat niet open',
  undecryptable:
    'De server stuurde iets dat de sleutel in de link niet opent. Het is beschadigd of verwisseld. Vertel het de afzender en vraag om een nieuwe link.',

  confirmTitle: 'Bevestig je e-mailadres',
  confirmLead: 'Met één klik weet de server dat dit adres van jou is.',
  confirm: 'Adres bevestigen',
  confirming: 'Bevestigen…',
  confirmUnanswered: 'De server gaf geen antwoord. Controleer je verbinding en probeer het opnieuw.',
  confirmedTitle: 'Bevestigd',
  confirmed: 'Het adres is bevestigd. Je kunt deze pagina sluiten en inloggen.',
  confirmInvalidTitle: 'De link werkt niet',
  confirmInvalid:
    'Hij is onvolledig of ouder dan een dag. Kopieer de hele link nog eens uit de e-mail, of vraag een nieuwe aan waar je het account hebt gemaakt.',
  deleteTitle: 'Account verwijderen?',
  deleteLead:
    'Het account wordt na een wachttijd verwijderd, met alles erin, en niemand kan het terughalen. Wie eerder inlogt, houdt het.',
  delete: 'Account verwijderen',
  deletingTitle: 'Het account wordt verwijderd',
  deleting: (when) =>
    `Het verdwijnt op ${when}, tenzij je eerder inlogt. Dat staat ook in een e-mail, met een link die het account behoudt.`,
  keepTitle: 'Account behouden?',
  keepLead: 'Het account zou worden verwijderd. Met één klik blijft het, met alles erin.',
  keep: 'Account behouden',
  keptTitle: 'Het account blijft',
  kept: 'Er is niets verwijderd. Je kunt deze pagina sluiten.',
  confirmNoInvite:
    'Deze server neemt nieuwe accounts aan met een uitnodiging, en die van deze registratie is gebruikt of ingetrokken. Vraag de beheerder van de server om een andere en registreer opnieuw.',
  confirmClosed: 'Deze server neemt geen nieuwe accounts meer aan. Vraag de beheerder.',

  keyTitle: 'Inloggen in twee stappen',
  keyLead: 'Je account vraagt om een beveiligingssleutel of passkey. Houd hem bij de hand.',
  keyUse: 'Beveiligingssleutel gebruiken',
  keyAsking: 'Wachten op de sleutel…',
  keyFailed: 'De sleutel heeft niet geantwoord of hoort niet bij dit account. Probeer het opnieuw.',
  keyRemember: 'Op dit apparaat 30 dagen lang niet meer vragen',
  keyDoneTitle: 'Klaar',
  keyDone: 'De extensie heeft het antwoord en gaat verder. Je kunt deze pagina sluiten.',
  keyReturn: 'Terug naar de app',
  keyInvalidTitle: 'Deze pagina is verkeerd geopend',
  keyInvalid:
    'Een app opent hem als een login om een beveiligingssleutel vraagt. Begin de login opnieuw in de app.',
}

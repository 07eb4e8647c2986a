// What the pages say, in German.
import type { Messages } from './en.ts'

export const de: Messages = {
  name: 'Deutsch',
  language: 'Sprache',
  noCryptoTitle: 'Diese Seite braucht https',
  noCrypto:
    'Browser ver- und entschlüsseln nur unter https-Adressen, und diese ist keine. Es wurde nichts gesendet. Öffnen Sie dieselbe Adresse mit https:// davor oder bitten Sie den Betreiber dieses Servers, das einzurichten.',
  unexpected:
    'Der Server hat eine Antwort gegeben, die diese Seite nicht kennt. Laden Sie die Seite neu und versuchen Sie es noch einmal; hilft das nicht, wenden Sie sich an den Betreiber dieses Servers.',
  copied: 'Kopiert.',
  copyFailed:
    'Der Browser lässt diese Seite nicht kopieren. Der Text ist jetzt markiert: Kopieren Sie ihn mit der Tastatur oder dem Menü.',

  createTitle: 'Ein Geheimnis einmal teilen',
  createLead:
    'Es wird in Ihrem Browser verschlüsselt. Der Link zeigt es ein einziges Mal, danach ist es weg. Der Server erfährt nie, was es war.',
  secret: 'Geheimnis',
  secretHint: 'Schreiben oder fügen Sie es ein, oder ziehen Sie eine Datei hierher.',
  chooseFile: 'Datei auswählen',
  fileNote: 'Wird Byte für Byte geteilt, ihr Name nicht.',
  removeFile: 'Datei entfernen',
  size: (size, most) => `${size} von ${most}`,
  empty:
    'Es gibt noch nichts zu teilen. Schreiben oder fügen Sie ein Geheimnis ein, oder wählen Sie eine Datei aus.',
  tooLarge: (size, most) =>
    `Das sind ${size}, und ein Link fasst höchstens ${most}. Kürzen Sie es oder verteilen Sie es auf mehrere Links.`,
  oneFile:
    'Ein Link fasst eine Datei. Ziehen Sie die Dateien einzeln hierher oder packen Sie sie in eine zusammen.',
  fileUnreadable:
    'Die Datei konnte nicht gelesen werden. Wählen Sie sie noch einmal aus oder fügen Sie ihren Inhalt ein.',
  lifetime: 'So lange gilt der Link',
  newPassphrase: 'Passphrase (optional)',
  newPassphraseHint:
    'Wer den Link öffnet, muss auch sie kennen. Teilen Sie sie auf einem anderen Weg mit, etwa am Telefon.',
  make: 'Link erstellen',
  making: 'Wird verschlüsselt…',
  accountsOnly:
    'Dieser Server erstellt Links nur für Personen mit einem Konto. Erstellen Sie einen auf der Kommandozeile:',
  sharesOff: 'Dieser Server erstellt keine Links mehr. Übergeben Sie das Geheimnis auf einem anderen Weg.',
  makeUnanswered:
    'Vom Server kam keine Antwort. Ihr Geheimnis steht noch hier: Prüfen Sie Ihre Verbindung und versuchen Sie es noch einmal.',
  makeTooMany: (wait) =>
    `Von hier aus wurden zu viele Links erstellt. Ihr Geheimnis steht noch hier: Warten Sie ${wait} und versuchen Sie es dann noch einmal.`,
  passphraseRefused:
    'Die Passphrase enthält ein Zeichen, das andere Geräte anders lesen könnten. Wählen Sie eine andere.',
  makeTooLarge:
    'Der Server nimmt kein Geheimnis dieser Größe an. Kürzen Sie es oder verteilen Sie es auf mehrere Links.',

  madeTitle: 'Der Link ist fertig',
  madeLead:
    'Senden Sie ihn einer einzigen Person. Wer ihn zuerst öffnet, liest das Geheimnis; danach öffnet er nichts mehr.',
  madePassphrase:
    'Auch die Passphrase wird gebraucht. Teilen Sie sie auf einem anderen Weg mit als den Link.',
  link: 'Link',
  copyLink: 'Link kopieren',
  qrCode: 'QR-Code des Links',
  pending: (until) => `Noch nicht gelesen. Der Link gilt bis ${until}.`,
  read: (when) =>
    `Gelesen am ${when}. Der Link öffnet nichts mehr. Hat Ihr Empfänger es nicht gelesen, ändern Sie das Geheimnis jetzt: Jemand anderes kennt es.`,
  expired: (when) =>
    `Abgelaufen am ${when}, ungelesen. Wird das Geheimnis noch gebraucht, erstellen Sie einen neuen Link.`,
  revoked: (when) => `Widerrufen am ${when}, ungelesen. Der Link öffnet nichts mehr.`,
  receiptGone:
    'Der Server weiß von diesem Link nichts mehr. Fragen Sie Ihren Empfänger oder erstellen Sie einen neuen.',
  receiptUnanswered:
    'Der Server antwortet gerade nicht. Diese Seite fragt weiter, ob das Geheimnis gelesen wurde.',
  keepOpen:
    'Nur diese Seite kann sagen, ob es gelesen wurde, und den Link widerrufen. Lassen Sie sie offen, solange Ihnen das wichtig ist.',
  revoke: 'Link widerrufen',
  revokeUnanswered:
    'Es kam keine Antwort, der Link gilt also vielleicht noch. Prüfen Sie Ihre Verbindung und widerrufen Sie ihn noch einmal.',
  makeAnother: 'Weiteren Link erstellen',
  forPrograms: 'Für Skripte und Programme: die HTTP-Schnittstelle (englisch)',

  openTitle: 'Ein Geheimnis für Sie',
  openLead:
    'Es kann ein einziges Mal angezeigt werden. Danach hat der Server es vergessen und der Link öffnet nichts mehr. Überlegen Sie also vorher, wo Sie es aufbewahren.',
  passphrase: 'Passphrase',
  passphraseHint: 'Der Absender teilt sie Ihnen auf einem anderen Weg mit als den Link.',
  show: 'Einmal anzeigen',
  opening: 'Wird geöffnet…',
  tryAgain: 'Noch einmal versuchen',
  goneTitle: 'Das Geheimnis scheint weg zu sein',
  gone: 'Es wurde gelesen, ist abgelaufen oder wurde widerrufen. Wer den Link hat, erfährt vom Server, was davon es war und wann.',
  askWhich: 'Fragen, was passiert ist',
  shownTitle: 'Das Geheimnis',
  shown:
    'Es steht jetzt nur noch auf diesem Bildschirm. Kopieren Sie es oder laden Sie es herunter, bevor Sie die Seite schließen.',
  shownFile:
    'Es ist eine Datei und kein Text und kann deshalb hier nicht stehen. Laden Sie sie herunter, bevor Sie die Seite schließen.',
  copySecret: 'Kopieren',
  download: 'Herunterladen',
  damagedTitle: 'Der Link ist nicht vollständig',
  damaged:
    'Ein Teil davon fehlt oder ist beschädigt, meist das, was nach „#“ steht. Es wurde nichts gesendet, und nichts ist verloren. Kopieren Sie den ganzen Link noch einmal oder bitten Sie den Absender darum.',
  wrongKeyTitle: 'Der Link ist beschädigt',
  wrongKey:
    'Hier liegt ein Geheimnis, aber der Schlüssel im Link passt nicht dazu. Nichts ist verloren. Kopieren Sie den ganzen Link noch einmal oder bitten Sie den Absender darum.',
  wrongPassphrase:
    'Die Passphrase passt nicht zu diesem Link. Nichts ist verloren: Prüfen Sie beides und versuchen Sie es noch einmal.',
  passphraseNeeded:
    'Dieses Geheimnis hat eine Passphrase. Geben Sie die ein, die Ihnen der Absender mitgeteilt hat.',
  tooManyTries: (wait) =>
    `Es gab zu viele falsche Versuche. Nichts ist verloren: Warten Sie ${wait} und versuchen Sie es dann noch einmal.`,
  unanswered:
    'Vom Server kam keine Antwort. Nichts ist verloren: Lassen Sie diese Seite offen, prüfen Sie Ihre Verbindung und versuchen Sie es innerhalb einer Minute noch einmal.',
  consumedTitle: 'Schon gelesen',
  consumed: (when) =>
    `Es wurde am ${when} gelesen und kann nur einmal gelesen werden. Waren das nicht Sie, sagen Sie es dem Absender sofort: Jemand anderes kennt das Geheimnis.`,
  expiredTitle: 'Abgelaufen',
  expiredUnread: (when) =>
    `Es ist am ${when} ungelesen abgelaufen. Bitten Sie den Absender um einen neuen Link.`,
  revokedTitle: 'Widerrufen',
  revokedUnread: (when) =>
    `Der Absender hat es am ${when} widerrufen, bevor es jemand gelesen hat. Brauchen Sie es noch, bitten Sie um einen neuen Link.`,
  unknownTitle: 'Hier ist nichts',
  unknown:
    'Unter diesem Link liegt kein Geheimnis, oder es ist lange her. Vergleichen Sie ihn mit dem Link, den Sie bekommen haben, oder bitten Sie den Absender um einen neuen.',
  undecryptableTitle: 'Es lässt sich nicht öffnen',
  undecryptable:
    'Der Server hat etwas gesendet, das der Schlüssel im Link nicht öffnet. Es wurde beschädigt oder ausgetauscht. Sagen Sie es dem Absender und bitten Sie um einen neuen Link.',

  confirmTitle: 'E-Mail-Adresse bestätigen',
  confirmLead: 'Ein Klick sagt dem Server, dass diese Adresse Ihnen gehört.',
  confirm: 'Adresse bestätigen',
  confirming: 'Wird bestätigt…',
  confirmUnanswered:
    'Der Server hat nicht geantwortet. Prüfen Sie Ihre Verbindung und versuchen Sie es noch einmal.',
  confirmedTitle: 'Bestätigt',
  confirmed: 'Die Adresse ist bestätigt. Sie können diese Seite schließen und sich anmelden.',
  confirmInvalidTitle: 'Der Link funktioniert nicht',
  confirmInvalid:
    'Er ist unvollständig oder älter als einen Tag. Kopieren Sie den ganzen Link noch einmal aus der E-Mail, oder fordern Sie dort, wo Sie das Konto angelegt haben, einen neuen an.',
  deleteTitle: 'Konto löschen?',
  deleteLead:
    'Das Konto wird nach einer Wartezeit mit allem darin gelöscht, und niemand kann es zurückholen. Wer sich vorher anmeldet, behält es.',
  delete: 'Konto löschen',
  deletingTitle: 'Das Konto wird gelöscht',
  deleting: (when) =>
    `Es wird am ${when} gelöscht, wenn Sie sich nicht vorher anmelden. Das steht auch in einer E-Mail, mit einem Link, der das Konto behält.`,
  keepTitle: 'Konto behalten?',
  keepLead: 'Das Konto sollte gelöscht werden. Mit einem Klick bleibt es, mit allem darin.',
  keep: 'Konto behalten',
  keptTitle: 'Das Konto bleibt',
  kept: 'Es wurde nichts gelöscht. Sie können diese Seite schließen.',
  confirmNoInvite:
    'Dieser Server nimmt neue Konten mit einer Einladung an, und die dieser Registrierung wurde benutzt oder zurückgezogen. Bitten Sie den Betreiber um eine neue und registrieren Sie sich noch einmal.',
  confirmClosed: 'Dieser Server nimmt keine neuen Konten mehr an. Fragen Sie den Betreiber.',

  keyTitle: 'Anmeldung in zwei Schritten',
  keyLead: 'Ihr Konto fragt nach einem Sicherheitsschlüssel oder Passkey. Halten Sie ihn bereit.',
  keyUse: 'Sicherheitsschlüssel verwenden',
  keyAsking: 'Warten auf den Schlüssel …',
  keyFailed:
    'Der Schlüssel hat nicht geantwortet oder gehört nicht zu diesem Konto. Versuchen Sie es noch einmal.',
  keyRemember: 'Auf diesem Gerät 30 Tage lang nicht mehr fragen',
  keyDoneTitle: 'Fertig',
  keyDone: 'Die Erweiterung hat die Antwort und macht weiter. Sie können diese Seite schließen.',
  keyReturn: 'Zurück zur App',
  keyInvalidTitle: 'Diese Seite wurde falsch geöffnet',
  keyInvalid:
    'Eine App öffnet sie, wenn eine Anmeldung nach einem Sicherheitsschlüssel fragt. Beginnen Sie die Anmeldung in der App noch einmal.',
}

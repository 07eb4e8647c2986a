// What the pages say, in English. The other languages have the type of this one: a message that one lacks does not compile.
export const en = {
  name: 'English',
  language: 'Language',
  noCryptoTitle: 'This page needs https',
  noCrypto:
    'Browsers encrypt and decrypt only on https addresses, and this is not one. Nothing was sent. Open the same address with https:// in front, or ask the operator of this server to set it up.',
  unexpected:
    'The server gave an answer that this page does not know. Reload the page and try again; if that does not help, tell whoever runs this server.',
  copied: 'Copied.',
  copyFailed:
    'The browser does not let this page copy. It is selected now: copy it with the keyboard or the menu.',

  createTitle: 'Share a secret, once',
  createLead:
    'It is encrypted in your browser. The link shows it a single time; then it is gone. The server never learns what it was.',
  secret: 'Secret',
  secretHint: 'Write or paste it, or drop a file here.',
  chooseFile: 'Choose a file',
  fileNote: 'Shared byte for byte. Its name is not.',
  removeFile: 'Remove the file',
  size: (size: string, most: string) => `${size} of ${most}`,
  empty: 'There is nothing to share yet. Write or paste a secret, or choose a file.',
  tooLarge: (size: string, most: string) =>
    `That is ${size}, and a link holds ${most} at most. Shorten it, or spread it over several links.`,
  oneFile: 'A link holds one file. Drop them one at a time, or pack them into one.',
  fileUnreadable: 'The file could not be read. Choose it again, or paste what it says.',
  lifetime: 'The link works for',
  newPassphrase: 'Passphrase (optional)',
  newPassphraseHint: 'Whoever opens the link has to know it too. Tell them separately, such as by phone.',
  make: 'Make the link',
  making: 'Encrypting…',
  accountsOnly: 'This server makes links only for people who have an account. Make one on the command line:',
  sharesOff: 'This server makes no links any more. Hand the secret over in another way.',
  makeUnanswered:
    'No answer came from the server. Your secret is still here: check your connection and try again.',
  makeTooMany: (wait: string) =>
    `Too many links were made from here. Your secret is still here: wait ${wait}, then try again.`,
  passphraseRefused:
    'The passphrase has a character that other devices may read differently. Choose another one.',
  makeTooLarge: 'The server takes no secret of this size. Shorten it, or spread it over several links.',

  madeTitle: 'The link is ready',
  madeLead: 'Send it to one person. Whoever opens it first reads the secret; after that it opens nothing.',
  madePassphrase: 'They need the passphrase too. Tell them separately from the link.',
  link: 'Link',
  copyLink: 'Copy the link',
  qrCode: 'QR code of the link',
  pending: (until: string) => `Not read yet. The link works until ${until}.`,
  read: (when: string) =>
    `Read on ${when}. The link opens nothing any more. If your recipient did not read it, change the secret now: somebody else knows it.`,
  expired: (when: string) =>
    `Expired on ${when}, unread. If the secret is still needed, make another link for it.`,
  revoked: (when: string) => `Revoked on ${when}, unread. The link opens nothing any more.`,
  receiptGone: 'The server has no record of this link any more. Ask your recipient, or make another.',
  receiptUnanswered:
    'The server does not answer at the moment. This page keeps asking whether the secret was read.',
  keepOpen:
    'Only this page can say whether it was read, and revoke it. Keep it open for as long as you care.',
  revoke: 'Revoke the link',
  revokeUnanswered: 'No answer came, so the link may still work. Check your connection and revoke it again.',
  makeAnother: 'Make another',
  forPrograms: 'For scripts and programs: the HTTP contract',

  openTitle: 'A secret for you',
  openLead:
    'It can be shown a single time. After that the server has forgotten it and the link opens nothing, so have a place ready to keep it.',
  passphrase: 'Passphrase',
  passphraseHint: 'The sender tells it to you separately from the link.',
  show: 'Show it, once',
  opening: 'Opening…',
  tryAgain: 'Try again',
  goneTitle: 'The secret seems to be gone',
  gone: 'It was read, has expired or was revoked. The server tells whoever has the link which of these it was, and when.',
  askWhich: 'Ask which',
  shownTitle: 'The secret',
  shown: 'It is on this screen and nowhere else now. Copy or download it before you close the page.',
  shownFile: 'It is a file and not text, so it cannot stand here. Download it before you close the page.',
  copySecret: 'Copy',
  download: 'Download',
  damagedTitle: 'The link is not complete',
  damaged:
    'Part of it is missing or damaged, most often what stands after “#”. Nothing was sent and nothing is lost. Copy the whole link once more, or ask the sender for it.',
  wrongKeyTitle: 'The link is damaged',
  wrongKey:
    'There is a secret here, and the key in the link does not fit it. Nothing is lost. Copy the whole link once more, or ask the sender for it.',
  wrongPassphrase: 'The passphrase does not fit this link. Nothing is lost: check both and try again.',
  passphraseNeeded: 'This secret has a passphrase. Enter the one that the sender told you.',
  tooManyTries: (wait: string) =>
    `There were too many wrong tries. Nothing is lost: wait ${wait}, then try again.`,
  unanswered:
    'No answer came from the server. Nothing is lost: keep this page open, check your connection and try again within a minute.',
  consumedTitle: 'Already read',
  consumed: (when: string) =>
    `It was read on ${when}, and it can be read only once. If that was not you, tell the sender at once: somebody else knows the secret.`,
  expiredTitle: 'Expired',
  expiredUnread: (when: string) => `It expired on ${when}, unread. Ask the sender for a new link.`,
  revokedTitle: 'Revoked',
  revokedUnread: (when: string) =>
    `The sender revoked it on ${when}, before anybody read it. If you still need it, ask for a new link.`,
  unknownTitle: 'Nothing here',
  unknown:
    'There is no secret under this link, or it ended long ago. Compare it with the link you were sent, or ask the sender for a new one.',
  undecryptableTitle: 'It does not open',
  undecryptable:
    'The server sent something that the key in the link does not open. It was damaged or exchanged. Tell the sender, and ask for a new link.',

  confirmTitle: 'Confirm your e-mail address',
  confirmLead: 'One click tells the server that this address is yours.',
  confirm: 'Confirm the address',
  confirming: 'Confirming…',
  confirmUnanswered: 'No answer came from the server. Check your connection and try again.',
  confirmedTitle: 'Confirmed',
  confirmed: 'The address is confirmed. You can close this page and log in.',
  confirmInvalidTitle: 'The link does not work',
  confirmInvalid:
    'It is not complete, or older than a day. Copy the whole link from the mail once more, or ask for a new one where you made the account.',
  deleteTitle: 'Delete your account?',
  deleteLead:
    'The account is deleted after a waiting time, with everything in it, and nobody can bring it back. Logging in before that keeps it.',
  delete: 'Delete the account',
  deletingTitle: 'The account will be deleted',
  deleting: (when: string) =>
    `It goes on ${when}, unless you log in before. A mail says so too, with a link that keeps the account.`,
  keepTitle: 'Keep your account?',
  keepLead: 'The account was to be deleted. One click keeps it, with everything in it.',
  keep: 'Keep the account',
  keptTitle: 'The account stays',
  kept: 'Nothing was deleted. You can close this page.',
  confirmNoInvite:
    'This server takes new accounts with an invite, and the one of this registration was used or revoked. Ask the operator of the server for another one, and register again.',
  confirmClosed: 'This server does not take new accounts any more. Ask its operator.',

  keyTitle: 'Two-step login',
  keyLead: 'Your account asks for a security key or a passkey. Have it ready.',
  keyUse: 'Use the security key',
  keyAsking: 'Waiting for the key…',
  keyFailed: 'The key did not answer, or is not one of this account. Try again.',
  keyRemember: 'Do not ask again on this device for 30 days',
  keyDoneTitle: 'Done',
  keyDone: 'The extension has the answer and goes on. You can close this page.',
  keyReturn: 'Back to the app',
  keyInvalidTitle: 'This page was opened in the wrong way',
  keyInvalid: 'An app opens it when a login asks for a security key. Begin the login again in the app.',
}

export type Messages = typeof en

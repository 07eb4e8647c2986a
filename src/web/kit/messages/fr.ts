// What the pages say, in French.
import type { Messages } from './en.ts'

export const fr: Messages = {
  name: 'Français',
  language: 'Langue',
  noCryptoTitle: 'Cette page a besoin de https',
  noCrypto:
    'Les navigateurs ne chiffrent et ne déchiffrent que sur des adresses https, et celle-ci n’en est pas une. Rien n’a été envoyé. Ouvrez la même adresse précédée de https://, ou demandez à la personne qui gère ce serveur de le mettre en place.',
  unexpected:
    'Le serveur a donné une réponse que cette page ne connaît pas. Rechargez la page et réessayez ; si cela ne suffit pas, prévenez la personne qui gère ce serveur.',
  copied: 'Copié.',
  copyFailed:
    'Le navigateur ne permet pas à cette page de copier. Le texte est maintenant sélectionné : copiez-le avec le clavier ou le menu.',

  createTitle: 'Partager un secret, une fois',
  createLead:
    'Il est chiffré dans votre navigateur. Le lien l’affiche une seule fois, puis il disparaît. Le serveur ne sait jamais ce que c’était.',
  secret: 'Secret',
  secretHint: 'Écrivez-le ou collez-le, ou déposez un fichier ici.',
  chooseFile: 'Choisir un fichier',
  fileNote: 'Partagé octet pour octet, mais pas son nom.',
  removeFile: 'Retirer le fichier',
  size: (size, most) => `${size} sur ${most}`,
  empty: 'Il n’y a encore rien à partager. Écrivez ou collez un secret, ou choisissez un fichier.',
  tooLarge: (size, most) =>
    `Cela fait ${size}, et un lien en contient ${most} au plus. Raccourcissez-le ou répartissez-le sur plusieurs liens.`,
  oneFile: 'Un lien contient un seul fichier. Déposez-les un par un ou réunissez-les en un seul.',
  fileUnreadable: 'Le fichier n’a pas pu être lu. Choisissez-le de nouveau ou collez son contenu.',
  lifetime: 'Le lien fonctionne pendant',
  newPassphrase: 'Phrase secrète (facultative)',
  newPassphraseHint:
    'La personne qui ouvre le lien doit aussi la connaître. Communiquez-la par un autre moyen, par exemple au téléphone.',
  make: 'Créer le lien',
  making: 'Chiffrement…',
  accountsOnly:
    'Ce serveur ne crée des liens que pour les personnes qui ont un compte. Créez-en un en ligne de commande :',
  sharesOff: 'Ce serveur ne crée plus de liens. Transmettez le secret d’une autre façon.',
  makeUnanswered:
    'Le serveur n’a pas répondu. Votre secret est toujours ici : vérifiez votre connexion et réessayez.',
  makeTooMany: (wait) =>
    `Trop de liens ont été créés d’ici. Votre secret est toujours ici : attendez ${wait}, puis réessayez.`,
  passphraseRefused:
    'La phrase secrète contient un caractère que d’autres appareils peuvent lire autrement. Choisissez-en une autre.',
  makeTooLarge:
    'Le serveur n’accepte pas un secret de cette taille. Raccourcissez-le ou répartissez-le sur plusieurs liens.',

  madeTitle: 'Le lien est prêt',
  madeLead:
    'Envoyez-le à une seule personne. La première qui l’ouvre lit le secret ; ensuite, il n’ouvre plus rien.',
  madePassphrase: 'Il lui faut aussi la phrase secrète. Communiquez-la par un autre moyen que le lien.',
  link: 'Lien',
  copyLink: 'Copier le lien',
  qrCode: 'QR code du lien',
  pending: (until) => `Pas encore lu. Le lien fonctionne jusqu’au ${until}.`,
  read: (when) =>
    `Lu le ${when}. Le lien n’ouvre plus rien. Si votre destinataire ne l’a pas lu, changez le secret maintenant : quelqu’un d’autre le connaît.`,
  expired: (when) => `Expiré le ${when} sans avoir été lu. S’il est encore utile, créez un autre lien.`,
  revoked: (when) => `Révoqué le ${when} sans avoir été lu. Le lien n’ouvre plus rien.`,
  receiptGone: 'Le serveur ne sait plus rien de ce lien. Demandez à votre destinataire ou créez-en un autre.',
  receiptUnanswered:
    'Le serveur ne répond pas pour le moment. Cette page continue de demander si le secret a été lu.',
  keepOpen:
    'Seule cette page peut dire s’il a été lu et révoquer le lien. Gardez-la ouverte aussi longtemps que cela compte pour vous.',
  revoke: 'Révoquer le lien',
  revokeUnanswered:
    'Aucune réponse n’est arrivée : le lien fonctionne peut-être encore. Vérifiez votre connexion et révoquez-le de nouveau.',
  makeAnother: 'Créer un autre lien',
  forPrograms: 'Pour les scripts et les programmes : le contrat HTTP (en anglais)',

  openTitle: 'Un secret pour vous',
  openLead:
    'Il ne peut être affiché qu’une seule fois. Ensuite, le serveur l’aura oublié et le lien n’ouvrira plus rien : préparez un endroit où le conserver.',
  passphrase: 'Phrase secrète',
  passphraseHint: 'L’expéditeur vous la communique par un autre moyen que le lien.',
  show: 'Afficher une fois',
  opening: 'Ouverture…',
  tryAgain: 'Réessayer',
  goneTitle: 'Le secret semble ne plus être là',
  gone: 'Il a été lu, a expiré ou a été révoqué. Le serveur dit à qui possède le lien ce qui s’est passé, et quand.',
  askWhich: 'Demander ce qui s’est passé',
  shownTitle: 'Le secret',
  shown: 'Il n’est plus que sur cet écran. Copiez-le ou téléchargez-le avant de fermer la page.',
  shownFile:
    'C’est un fichier et non du texte : il ne peut pas être affiché ici. Téléchargez-le avant de fermer la page.',
  copySecret: 'Copier',
  download: 'Télécharger',
  damagedTitle: 'Le lien est incomplet',
  damaged:
    'Une partie manque ou est abîmée, le plus souvent ce qui suit « # ». Rien n’a été envoyé et rien n’est perdu. Copiez de nouveau le lien entier ou demandez-le à l’expéditeur.',
  wrongKeyTitle: 'Le lien est abîmé',
  wrongKey:
    'Il y a un secret ici, mais la clé du lien ne lui correspond pas. Rien n’est perdu. Copiez de nouveau le lien entier ou demandez-le à l’expéditeur.',
  wrongPassphrase:
    'La phrase secrète ne correspond pas à ce lien. Rien n’est perdu : vérifiez les deux et réessayez.',
  passphraseNeeded: 'Ce secret a une phrase secrète. Saisissez celle que l’expéditeur vous a communiquée.',
  tooManyTries: (wait) =>
    `Il y a eu trop d’essais infructueux. Rien n’est perdu : attendez ${wait}, puis réessayez.`,
  unanswered:
    'Le serveur n’a pas répondu. Rien n’est perdu : gardez cette page ouverte, vérifiez votre connexion et réessayez dans la minute.',
  consumedTitle: 'Déjà lu',
  consumed: (when) =>
    `Il a été lu le ${when} et ne peut être lu qu’une fois. Si ce n’était pas vous, prévenez tout de suite l’expéditeur : quelqu’un d’autre connaît le secret.`,
  expiredTitle: 'Expiré',
  expiredUnread: (when) =>
    `Il a expiré le ${when} sans avoir été lu. Demandez un nouveau lien à l’expéditeur.`,
  revokedTitle: 'Révoqué',
  revokedUnread: (when) =>
    `L’expéditeur l’a révoqué le ${when}, avant que quelqu’un le lise. Si vous en avez encore besoin, demandez un nouveau lien.`,
  unknownTitle: 'Il n’y a rien ici',
  unknown:
    'Aucun secret ne se trouve sous ce lien, ou c’était il y a longtemps. Comparez-le avec le lien reçu ou demandez-en un nouveau à l’expéditeur.',
  undecryptableTitle: 'Il ne s’ouvre pas',
  undecryptable:
    'Le serveur a envoyé quelque chose que la clé du lien n’ouvre pas. Cela a été abîmé ou remplacé. Prévenez l’expéditeur et demandez un nouveau lien.',

  confirmTitle: 'Confirmez votre adresse e-mail',
  confirmLead: 'Un clic indique au serveur que cette adresse est la vôtre.',
  confirm: 'Confirmer l’adresse',
  confirming: 'Confirmation…',
  confirmUnanswered: 'Le serveur n’a pas répondu. Vérifiez votre connexion et réessayez.',
  confirmedTitle: 'Confirmée',
  confirmed: 'L’adresse est confirmée. Vous pouvez fermer cette page et vous connecter.',
  confirmInvalidTitle: 'Le lien ne fonctionne pas',
  confirmInvalid:
    'Il est incomplet ou date de plus d’un jour. Copiez de nouveau le lien entier depuis l’e-mail, ou demandez-en un nouveau là où vous avez créé le compte.',
  deleteTitle: 'Supprimer votre compte ?',
  deleteLead:
    'Le compte est supprimé après un délai, avec tout ce qu’il contient, et personne ne peut le récupérer. Se connecter avant le conserve.',
  delete: 'Supprimer le compte',
  deletingTitle: 'Le compte sera supprimé',
  deleting: (when) =>
    `Il sera supprimé le ${when}, sauf si vous vous connectez avant. Un e-mail le dit aussi, avec un lien qui conserve le compte.`,
  keepTitle: 'Conserver votre compte ?',
  keepLead: 'Le compte devait être supprimé. Un clic le conserve, avec tout ce qu’il contient.',
  keep: 'Conserver le compte',
  keptTitle: 'Le compte est conservé',
  kept: 'Rien n’a été supprimé. Vous pouvez fermer cette page.',
  confirmNoInvite:
    'Ce serveur accepte les nouveaux comptes sur invitation, et celle de cette inscription a été utilisée ou révoquée. Demandez-en une autre à la personne qui gère le serveur et inscrivez-vous de nouveau.',
  confirmClosed: 'Ce serveur n’accepte plus de nouveaux comptes. Adressez-vous à la personne qui le gère.',

  keyTitle: 'Connexion en deux étapes',
  keyLead: 'Votre compte demande une clé de sécurité ou une clé d’accès. Gardez-la à portée de main.',
  keyUse: 'Utiliser la clé de sécurité',
  keyAsking: 'En attente de la clé…',
  keyFailed: 'La clé n’a pas répondu ou n’est pas de ce compte. Réessayez.',
  keyRemember: 'Ne plus demander sur cet appareil pendant 30 jours',
  keyDoneTitle: 'Terminé',
  keyDone: 'L’extension a reçu la réponse et continue. Vous pouvez fermer cette page.',
  keyReturn: 'Retour à l’application',
  keyInvalidTitle: 'Cette page a été mal ouverte',
  keyInvalid:
    'Une application l’ouvre quand une connexion demande une clé de sécurité. Recommencez la connexion dans l’application.',
}

// What the pages say, in Spanish.
import type { Messages } from './en.ts'

export const es: Messages = {
  name: 'Español',
  language: 'Idioma',
  noCryptoTitle: 'Esta página necesita https',
  noCrypto:
    'Los navegadores solo cifran y descifran en direcciones https, y esta no lo es. No se ha enviado nada. Abre la misma dirección con https:// delante o pide a quien administra este servidor que lo configure.',
  unexpected:
    'El servidor ha dado una respuesta que esta página no conoce. Vuelve a cargar la página e inténtalo de nuevo; si no funciona, avisa a quien administra este servidor.',
  copied: 'Copiado.',
  copyFailed:
    'El navegador no permite que esta página copie. El texto ya está seleccionado: cópialo con el teclado o con el menú.',

  createTitle: 'Comparte un secreto, una vez',
  createLead:
    'Se cifra en tu navegador. El enlace lo muestra una sola vez y después desaparece. El servidor nunca sabe qué era.',
  secret: 'Secreto',
  secretHint: 'Escríbelo o pégalo, o arrastra un archivo hasta aquí.',
  chooseFile: 'Elegir un archivo',
  fileNote: 'Se comparte byte a byte. Su nombre, no.',
  removeFile: 'Quitar el archivo',
  size: (size, most) => `${size} de ${most}`,
  empty: 'Todavía no hay nada que compartir. Escribe o pega un secreto, o elige un archivo.',
  tooLarge: (size, most) =>
    `Ocupa ${size} y en un enlace caben ${most} como máximo. Acórtalo o repártelo en varios enlaces.`,
  oneFile: 'En un enlace cabe un archivo. Arrástralos de uno en uno o reúnelos en uno solo.',
  fileUnreadable: 'No se ha podido leer el archivo. Elígelo de nuevo o pega su contenido.',
  lifetime: 'El enlace funciona durante',
  newPassphrase: 'Contraseña (opcional)',
  newPassphraseHint:
    'Quien abra el enlace también tendrá que saberla. Comunícala por otro medio, por ejemplo por teléfono.',
  make: 'Crear el enlace',
  making: 'Cifrando…',
  accountsOnly:
    'Este servidor solo crea enlaces para personas con cuenta. Crea uno desde la línea de comandos:',
  sharesOff: 'Este servidor ya no crea enlaces. Entrega el secreto de otra manera.',
  makeUnanswered:
    'El servidor no ha respondido. Tu secreto sigue aquí: comprueba la conexión e inténtalo de nuevo.',
  makeTooMany: (wait) =>
    `Se han creado demasiados enlaces desde aquí. Tu secreto sigue aquí: espera ${wait} e inténtalo de nuevo.`,
  passphraseRefused:
    'La contraseña contiene un carácter que otros dispositivos pueden leer de otra manera. Elige otra.',
  makeTooLarge: 'El servidor no acepta un secreto de este tamaño. Acórtalo o repártelo en varios enlaces.',

  madeTitle: 'El enlace está listo',
  madeLead: 'Envíalo a una sola persona. Quien lo abra primero leerá el secreto; después ya no abrirá nada.',
  madePassphrase: 'También necesita la contraseña. Comunícala por un medio distinto del enlace.',
  link: 'Enlace',
  copyLink: 'Copiar el enlace',
  qrCode: 'Código QR del enlace',
  pending: (until) => `Aún no se ha leído. El enlace funciona hasta el ${until}.`,
  read: (when) =>
    `Leído el ${when}. El enlace ya no abre nada. Si no lo ha leído la persona a quien lo enviaste, cambia el secreto ahora: alguien más lo conoce.`,
  expired: (when) => `Caducó el ${when} sin que nadie lo leyera. Si aún hace falta, crea otro enlace.`,
  revoked: (when) => `Revocado el ${when} sin que nadie lo leyera. El enlace ya no abre nada.`,
  receiptGone:
    'El servidor ya no sabe nada de este enlace. Pregunta a la persona a quien lo enviaste o crea otro.',
  receiptUnanswered:
    'El servidor no responde en este momento. Esta página seguirá preguntando si se ha leído el secreto.',
  keepOpen:
    'Solo esta página puede decir si se ha leído y revocar el enlace. Déjala abierta mientras te importe.',
  revoke: 'Revocar el enlace',
  revokeUnanswered:
    'No ha llegado respuesta, así que el enlace quizá siga funcionando. Comprueba la conexión y vuelve a revocarlo.',
  makeAnother: 'Crear otro',
  forPrograms: 'Para scripts y programas: el contrato HTTP (en inglés)',

  openTitle: 'Un secreto para ti',
  openLead:
    'Se puede mostrar una sola vez. Después el servidor lo habrá olvidado y el enlace no abrirá nada, así que ten a mano un lugar donde guardarlo.',
  passphrase: 'Contraseña',
  passphraseHint: 'Quien te envió el enlace te la comunica por otro medio.',
  show: 'Mostrar una vez',
  opening: 'Abriendo…',
  tryAgain: 'Intentar de nuevo',
  goneTitle: 'Parece que el secreto ya no está',
  gone: 'Se leyó, caducó o fue revocado. El servidor dice a quien tiene el enlace cuál de las tres cosas pasó y cuándo.',
  askWhich: 'Preguntar qué pasó',
  shownTitle: 'El secreto',
  shown: 'Ahora solo está en esta pantalla. Cópialo o descárgalo antes de cerrar la página.',
  shownFile:
    'Es un archivo y no un texto, así que no se puede mostrar aquí. Descárgalo antes de cerrar la página.',
  copySecret: 'Copiar',
  download: 'Descargar',
  damagedTitle: 'El enlace está incompleto',
  damaged:
    'Falta una parte o está dañada, casi siempre lo que va después de «#». No se ha enviado ni se ha perdido nada. Copia otra vez el enlace entero o pídelo a quien te lo envió.',
  wrongKeyTitle: 'El enlace está dañado',
  wrongKey:
    'Aquí hay un secreto, pero la clave del enlace no encaja. No se ha perdido nada. Copia otra vez el enlace entero o pídelo a quien te lo envió.',
  wrongPassphrase:
    'La contraseña no encaja con este enlace. No se ha perdido nada: comprueba ambos e inténtalo de nuevo.',
  passphraseNeeded: 'Este secreto tiene contraseña. Escribe la que te comunicó quien te lo envió.',
  tooManyTries: (wait) =>
    `Ha habido demasiados intentos fallidos. No se ha perdido nada: espera ${wait} e inténtalo de nuevo.`,
  unanswered:
    'El servidor no ha respondido. No se ha perdido nada: deja esta página abierta, comprueba la conexión e inténtalo de nuevo antes de un minuto.',
  consumedTitle: 'Ya se ha leído',
  consumed: (when) =>
    `Se leyó el ${when} y solo se puede leer una vez. Si no fuiste tú, avisa enseguida a quien te lo envió: alguien más conoce el secreto.`,
  expiredTitle: 'Caducado',
  expiredUnread: (when) =>
    `Caducó el ${when} sin que nadie lo leyera. Pide un enlace nuevo a quien te lo envió.`,
  revokedTitle: 'Revocado',
  revokedUnread: (when) =>
    `Quien te lo envió lo revocó el ${when}, antes de que nadie lo leyera. Si aún lo necesitas, pide un enlace nuevo.`,
  unknownTitle: 'Aquí no hay nada',
  unknown:
    'En este enlace no hay ningún secreto, o lo hubo hace mucho. Compáralo con el que recibiste o pide uno nuevo a quien te lo envió.',
  undecryptableTitle: 'No se puede abrir',
  undecryptable:
    'El servidor ha enviado algo que la clave del enlace no abre. Se ha dañado o alguien lo ha cambiado. Avisa a quien te lo envió y pide un enlace nuevo.',

  confirmTitle: 'Confirma tu dirección de correo',
  confirmLead: 'Con un clic, el servidor sabe que esta dirección es tuya.',
  confirm: 'Confirmar la dirección',
  confirming: 'Confirmando…',
  confirmUnanswered: 'El servidor no ha respondido. Comprueba tu conexión y vuelve a intentarlo.',
  confirmedTitle: 'Confirmada',
  confirmed: 'La dirección está confirmada. Puedes cerrar esta página e iniciar sesión.',
  confirmInvalidTitle: 'El enlace no funciona',
  confirmInvalid:
    'Está incompleto o tiene más de un día. Copia otra vez el enlace entero del correo, o pide uno nuevo donde creaste la cuenta.',
  deleteTitle: '¿Eliminar tu cuenta?',
  deleteLead:
    'La cuenta se elimina tras un tiempo de espera, con todo lo que contiene, y nadie puede recuperarla. Si inicias sesión antes, se conserva.',
  delete: 'Eliminar la cuenta',
  deletingTitle: 'La cuenta se eliminará',
  deleting: (when) =>
    `Se eliminará el ${when}, salvo que inicies sesión antes. También lo dice un correo, con un enlace que conserva la cuenta.`,
  keepTitle: '¿Conservar tu cuenta?',
  keepLead: 'La cuenta iba a eliminarse. Con un clic se conserva, con todo lo que contiene.',
  keep: 'Conservar la cuenta',
  keptTitle: 'La cuenta se conserva',
  kept: 'No se ha eliminado nada. Puedes cerrar esta página.',
  confirmNoInvite:
    'Este servidor acepta cuentas nuevas con invitación, y la de este registro ya se usó o se revocó. Pide otra a quien administra el servidor y regístrate de nuevo.',
  confirmClosed: 'Este servidor ya no acepta cuentas nuevas. Pregunta a quien lo administra.',

  keyTitle: 'Inicio de sesión en dos pasos',
  keyLead: 'Tu cuenta pide una llave de seguridad o una clave de acceso. Tenla a mano.',
  keyUse: 'Usar la llave de seguridad',
  keyAsking: 'Esperando la llave…',
  keyFailed: 'La llave no ha respondido o no es de esta cuenta. Inténtalo de nuevo.',
  keyRemember: 'No volver a preguntar en este dispositivo durante 30 días',
  keyDoneTitle: 'Listo',
  keyDone: 'La extensión tiene la respuesta y continúa. Puedes cerrar esta página.',
  keyReturn: 'Volver a la aplicación',
  keyInvalidTitle: 'Esta página se abrió de forma incorrecta',
  keyInvalid:
    'La abre una aplicación cuando un inicio de sesión pide una llave de seguridad. Empieza de nuevo el inicio de sesión en la aplicación.',
}

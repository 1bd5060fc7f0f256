import type { PolicyCommandWords } from './policy-command.en.ts'

export const policyCommandFr: PolicyCommandWords = {
  usage: [
    'gantry-agent policy key  --key FICHIER',
    'gantry-agent policy show (--config FICHIER | --policy FICHIER)',
    'gantry-agent policy set  (--config FICHIER | --policy FICHIER) --key FICHIER [--device ID] [--next-owner FICHIER] [--fresh] [NOM=VALEUR …]',
    'gantry-agent policy approve --config FICHIER [--key FICHIER DEMANDE]',
    'gantry-agent policy reset --config FICHIER',
    '',
    '  key           crée une clé de politique protégée par une phrase de passe; la première politique vue par un appareil fixe sa clé',
    '  show          ce qui est en vigueur, et ce qui ne va pas',
    '  set           change des réglages, signe et met le fichier en place, p. ex. rules.os=deny requestsPerHour=2 countries=["CA"]',
    '  approve       liste les demandes qui attendent la seconde clé (approvers dans la politique), ou en signe une',
    '  reset         un appareil qui a perdu sa clé ou sa mémoire prend la prochaine politique comme la première (à lancer comme l’agent)',
    '  --config      le device.json de l’appareil;  --policy  un fichier à porter jusqu’à l’appareil',
    '  --device      pour cet appareil seulement;  --next-owner  la clé (ou sa moitié publique) qui signera ensuite;  --fresh  depuis les valeurs par défaut',
  ],
  keyThere: (path) => `${path} existe déjà`,
  newPassphrase: (characters) => `Nouvelle phrase de passe, au moins ${characters} caractères : `,
  again: 'La même, encore une fois : ',
  passphrase: 'Phrase de passe de la clé de politique : ',
  signed: (serial) => `Signée sous le no ${serial}. L’appareil la suit dès que le fichier est en place.`,
  approving: (who, { access, reason, caseId, minutes }) => `${who} demande ${access}, ${minutes} min, dossier ${caseId} : ${reason}`,
  closed: 'L’appareil ne suit aucune politique et ne laisse entrer personne.',
  reset: 'Oublié. La prochaine politique que cet appareil verra sera prise comme la première, avec sa clé.',
}

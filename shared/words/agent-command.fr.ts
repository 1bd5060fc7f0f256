import type { AgentCommandWords } from './agent-command.en.ts'

export const agentCommandFr: AgentCommandWords = {
  usage: [
    'gantry-agent check --config FICHIER [--language en|fr] [--format text|html|json] [--output DOSSIER]',
    'gantry-agent allow-list --config FICHIER [--language en|fr] [--format json|csv|nft|guide] [--router ADRESSE …] [--resolver ADRESSE …]',
    '',
    '  check       interroge chaque hôte de la liste, étape par étape : le passeport pare-feu. Code 0 tout passe, 1 moins de réserve, 5 fermé',
    '  allow-list  imprime tous les hôtes et ports dont cet appareil peut se servir',
    '  --output    écrit aussi le passeport à cet endroit : à imprimer (en et fr), en texte et en JSON',
    '  --router    règles pour un routeur, pour l’appareil à cette adresse; sinon, pour l’appareil lui-même',
    '  --resolver  qui répond au DNS de l’appareil (selon le système, sauf avis contraire)',
  ],
  asking: (host) => `${host} …`,
  cancelled: 'Annulé.',
  written: (folder) => `Écrit dans ${folder}`,
  off: 'La connexion est coupée par la politique de l’appareil: pas un paquet ne sort, pas même pour une vérification.',
}

import type { ItGuideWords } from './it-guide.en.ts'

export const itGuideFr: ItGuideWords = {
  title: 'Service à distance : guide pour les TI',
  made: (device) => `Imprimé à partir de la liste permise de ${device}. L’appareil applique la même liste.`,
  inShort: {
    title: 'En bref',
    lines: [
      'L’appareil se connecte seulement **vers l’extérieur**, aux hôtes ci-dessous, sur le **port TCP 443**. Rien ne se connecte à l’appareil, et il n’écoute sur aucun port.',
      'Aucun VPN, aucun changement de routage, aucune redirection de port, aucun matériel de plus: une connexion à Internet suffit.',
      'Tout passe par TLS, authentifié par certificat des deux côtés. À l’intérieur, les séances sont chiffrées de bout en bout.',
      'La personne devant l’appareil décide de chaque séance; vous décidez si l’appareil peut se connecter.',
    ],
  },
  hosts: {
    title: 'Hôtes et ports',
    text: 'Autorisez exactement ceux-ci, en sortie, depuis l’appareil. Deux serveurs d’accès portent les séances; chacun remplace l’autre.',
    proxy: (proxy) =>
      `Cet appareil passe par le mandataire \`${proxy}\`. Autorisez l’appareil à joindre le mandataire, et le mandataire à joindre ces hôtes par CONNECT.`,
    columns: ['Usage', 'Nom', 'Hôte', 'Adresses', 'Site', 'Port'],
    more: [
      'Le DNS, vers vos propres résolveurs, sauf si des adresses fixes sont inscrites dans l’appareil (`addresses` dans sa configuration) : il n’en a alors pas besoin.',
      'Rien d’autre. Les ports 80, 8080, 17001 et 17002, nécessaires à des produits antérieurs, ne servent pas et peuvent rester fermés.',
      'Un hôte qui n’est pas sur cette liste est refusé par l’appareil lui-même, et l’essai est consigné dans son journal.',
    ],
  },
  forms: {
    title: 'La même liste pour vos outils',
    text: 'L’appareil l’imprime; toutes les formes viennent des mêmes données.',
    commands: [
      ['gantry-agent allow-list --format json', 'pour des programmes'],
      ['gantry-agent allow-list --format csv', 'pour un tableur'],
      ['gantry-agent allow-list --format nft', 'règles nftables pour l’appareil lui-même'],
      ['gantry-agent allow-list --format nft --router ADRESSE', 'règles pour votre routeur, pour l’appareil à cette adresse'],
      ['gantry-agent allow-list --format guide --language fr', 'ce guide, en français ou en anglais'],
    ],
    config: 'Chacune prend `--config device.json`, le fichier de configuration de l’appareil.',
  },
  network: {
    title: 'Mandataires, inspection et connexions longues',
    lines: [
      '**Mandataire.** HTTP CONNECT, sans mot de passe ou avec l’authentification Basic ou Digest, aussi par TLS jusqu’au mandataire.',
      '**Inspection TLS.** Ces hôtes doivent en être exemptés. L’appareil ne croit qu’une seule autorité de certification et montre son propre certificat; un intercepteur est donc toujours refusé, et l’appareil dit alors qui a émis le faux certificat.',
      '**Connexions longues.** Une séance est une seule connexion TLS vers un serveur d’accès, qui peut durer des heures. Les deux bouts donnent signe de vie, et une connexion coupée est reprise là où elle était.',
      '**Interrogations.** Entre les séances, l’appareil interroge le serveur principal toutes les 30 secondes et ne laisse aucune connexion ouverte, sauf si la prise en charge immédiate est activée.',
      '**Heure.** L’horloge de l’appareil peut avancer de 2 minutes ou retarder de 30 secondes au plus.',
      '**IPv4 et IPv6** fonctionnent tous deux, aussi derrière un NAT et avec un MTU de 1280.',
    ],
  },
  check: {
    title: 'L’essai : le passeport pare-feu',
    text: 'Sur l’appareil, ou par le bouton *Vérifier le réseau* de son panneau avant :',
    command: 'gantry-agent check --config device.json',
    more: [
      'Il interroge chaque hôte ci-dessus, étape par étape, et dit ce qui passe, ce qui ne passe pas et ce qu’il faut demander. Il n’envoie que ces questions et ne change rien.',
      '`--output DOSSIER` écrit aussi la page à imprimer, en anglais et en français, et le résultat en JSON.',
      'Codes de sortie : 0 tout passe, 1 cela fonctionne avec moins de réserve, 5 cela ne peut pas encore fonctionner, 3 la connexion est coupée, 2 commande non comprise.',
    ],
    table: ['Échoue à', 'Ce que cela signifie', 'Ce qu’il faut demander'],
  },
  control: {
    title: 'Ce que vous décidez',
    text: 'Le fichier `policy.json` de l’appareil est à vous : il est signé avec votre propre clé, que vous créez et gardez avec `gantry-agent policy`. L’appareil le suit dans la seconde, et aucun serveur ne peut le changer. Un fichier modifié, ancien ou abîmé ferme l’appareil, et le panneau dit pourquoi.',
    columns: ['Réglage', 'Effet'],
    rows: [
      ['`"connectivity": "off"`', 'Pas un paquet ne sort de l’appareil.'],
      ['`"rules"`', 'Pour chaque niveau d’accès : `allow`, `ask`, `ask-typed` (avec un code tapé sur l’appareil) ou `deny`.'],
      ['`"countries"`', 'D’où un spécialiste peut travailler.'],
      ['`"files"`', 'Si des fichiers peuvent entrer, sortir, et de quelle taille.'],
      ['`"paths"` dans `"files"`', 'Les seuls dossiers qui peuvent être atteints.'],
      [
        '`"restricted"` dans `"files"`',
        'Les dossiers qui peuvent contenir des données de patients. Ils sont fermés jusqu’à ce que la personne près de l’appareil dise oui dans cette séance; ce qui sort est noté par son nom.',
      ],
      ['`"hours"`', 'Quand on peut entrer, selon l’horloge de l’appareil ou un fuseau que vous nommez. Une séance prend fin avec elles.'],
      ['`"servers"`', 'Parmi les hôtes ci-dessus, ceux que l’appareil peut joindre.'],
      ['`"actions"`', 'Quelles actions peuvent être demandées.'],
      ['`"requestsPerHour"`', 'Combien de demandes par heure arrivent jusqu’au panneau; une de plus est refusée avant de sonner.'],
      ['`"sessionMinutes"`, `"sessionMegabytes"`', 'Combien de temps une séance peut durer, et combien peut y circuler.'],
      ['`"instantPickup": true`', 'L’appareil garde une connexion ouverte, pour qu’une demande arrive tout de suite.'],
      ['`"strict": true`', 'Une séance dans le système prend fin quand le serveur principal n’a pas répondu depuis 60 secondes.'],
      [
        '`"bulletin": true`',
        'Si le serveur principal est hors d’atteinte, l’appareil demande aux serveurs d’accès si quelqu’un l’appelle. La réponse n’ouvre rien; l’appareil l’affiche.',
      ],
    ],
  },
}

import type { ErrorWords } from './errors.en.ts'
import { byReason } from './proxy.en.ts'
import { proxyFr } from './proxy.fr.ts'
import { spanFr } from './span.ts'

const report = 'Signalez-le avec le code et la ligne du journal.'

export const errorsFr: ErrorWords = {
  'auth.not-signed-in': () => ({ what: 'Aucune connexion n’est ouverte.', todo: 'Connectez-vous, puis réessayez.' }),
  'auth.session-expired': () => ({ what: 'Votre connexion a pris fin.', todo: 'Connectez-vous de nouveau; les séances ouvertes le restent.' }),
  'auth.proof-bad': () => ({
    what: 'Cet ordinateur n’a pas pu prouver que la connexion est la sienne.',
    todo: 'Connectez-vous de nouveau. Si cela se répète, prévenez votre bureau de la sécurité : quelqu’un utilise peut-être une copie de votre connexion.',
  }),
  'auth.sign-in-copied': () => ({
    what: 'Votre connexion a servi à deux endroits à la fois : elle a peut-être été copiée. Elle a pris fin partout, ainsi que les séances ouvertes grâce à elle.',
    todo: 'Prévenez tout de suite votre bureau de la sécurité, puis connectez-vous de nouveau.',
  }),
  'auth.signed-in-elsewhere': () => ({
    what: 'Cette connexion a été fermée depuis un autre endroit où vous êtes connecté, ainsi que les séances ouvertes grâce à elle.',
    todo: 'Si c’était vous, continuez là-bas. Sinon, prévenez tout de suite votre bureau de la sécurité.',
  }),
  'auth.other-person': () => ({
    what: 'Une autre personne que celle qui est connectée ici s’est connectée.',
    todo: 'Recommencez sous le nom de la personne qui est connectée ici.',
  }),
  'auth.locked': () => ({ what: 'La fenêtre est verrouillée.', todo: 'Déverrouillez-la avec votre connexion; les séances ouvertes continuent.' }),
  'auth.wrong-credentials': () => ({ what: 'Le nom, le mot de passe ou le code ne convient pas.', todo: 'Vérifiez et réessayez.' }),
  'auth.code-used': ({ seconds }) => ({
    what: 'Ce code a déjà servi une fois.',
    todo: `Attendez le prochain code${seconds === undefined ? '' : `, dans ${seconds} s`}.`,
  }),
  'auth.passkey-refused': () => ({
    what: 'Cette clé d’accès n’a pas été acceptée.',
    todo: 'Réessayez, ou connectez-vous avec le code. Si cela se répète, prévenez votre bureau de la sécurité.',
  }),
  'auth.throttled': ({ seconds }) => ({
    what: 'Trop d’essais.',
    todo: `Attendez ${seconds ?? 60} s, puis réessayez. Les séances ouvertes ne sont pas touchées.`,
  }),
  'auth.cancelled': () => ({ what: 'La connexion n’a pas été terminée.', todo: 'Recommencez quand vous voulez.' }),
  'auth.callback-refused': () => ({
    what: 'La réponse du navigateur n’appartient pas à cette connexion.',
    todo: 'Recommencez la connexion d’ici, avec la page qui s’ouvre.',
  }),
  'auth.provider-unreachable': ({ reason }) => ({
    what: `Le service de connexion de votre organisation ne répond pas${reason === undefined ? '' : ` (${reason})`}.`,
    todo: 'Réessayez dans un moment; si cela persiste, avisez votre service informatique. Les séances ouvertes ne sont pas touchées.',
  }),
  'auth.provider-refused': ({ reason }) => ({
    what: `Le service de connexion de votre organisation a refusé${reason === undefined ? '' : ` (${reason})`}.`,
    todo: 'Réessayez et terminez-y la connexion. S’il refuse encore, avisez votre service informatique.',
  }),
  'auth.provider-answer-bad': ({ reason }) => ({
    what: `La réponse du service de connexion de votre organisation n’est pas fiable${reason === undefined ? '' : ` (${reason})`}.`,
    todo: 'Réessayez. Si cela se répète, avisez votre service informatique en citant ce qui est entre parenthèses.',
  }),
  'auth.no-account': ({ subject }) => ({
    what: 'Votre organisation vous connaît, mais vous n’avez pas de compte ici, ou il est désactivé.',
    todo: `Demandez à votre administrateur Gantry d’en attribuer un${subject === undefined ? '' : ` à ${subject}, comme votre organisation vous désigne`}.`,
  }),
  'auth.second-factor-missing': () => ({
    what: 'Un second facteur est nécessaire, le service de connexion de votre organisation n’en a pas demandé, et aucun n’est prévu ici.',
    todo: 'Demandez un authentificateur à votre administrateur Gantry.',
  }),
  'auth.keychain-missing': () => ({
    what: 'Aucun trousseau ne répond sur cet ordinateur : la connexion ne pourrait pas être gardée en sûreté.',
    todo: 'Sous Linux, installez et déverrouillez un Secret Service (par exemple gnome-keyring avec libsecret), puis reconnectez-vous. Rien n’a été conservé.',
  }),
  'auth.keys-missing': () => ({
    what: 'Vos clés de spécialiste ne sont pas sur cet ordinateur.',
    todo: 'Créez-les (Réglages, ou « gantry keys --create »), puis faites-les certifier par le bureau de sécurité.',
  }),
  'auth.keys-waiting': () => ({
    what: 'Vos nouvelles clés ne sont pas encore certifiées.',
    todo: 'Portez la demande à votre bureau de sécurité et lisez-lui l’empreinte courte; le certificat vient ensuite de lui-même.',
  }),
  'auth.pin-needed': () => ({ what: 'Votre clé de soutien demande votre NIP.', todo: 'Tapez le NIP choisi pour cet ordinateur.' }),
  'auth.pin-wrong': ({ triesLeft }) => ({
    what: 'Ce n’est pas votre NIP.',
    todo: `Réessayez${triesLeft === undefined ? '' : `; essais avant une attente : ${triesLeft}`}.`,
  }),
  'auth.pin-blocked': ({ seconds }) => ({
    what: 'Trop de NIP erronés.',
    todo: `Attendez ${seconds ?? 30} s. Qui a oublié le sien crée de nouvelles clés et les fait certifier.`,
  }),
  'auth.pin-short': ({ min }) => ({ what: 'Ce NIP est trop court.', todo: `Choisissez-en un d’au moins ${min ?? 6} caractères.` }),
  'auth.certificate-expired': () => ({ what: 'Le certificat de vos clés est expiré.', todo: 'Demandez-en un nouveau au bureau de sécurité.' }),

  'access.mfa-stale': ({ minutes }) => ({
    what: `Votre second facteur date de plus de ${minutes ?? 15} minutes.`,
    todo: 'Connectez-vous de nouveau; les séances ouvertes le restent.',
  }),
  'access.person-disabled': () => ({ what: 'Votre compte est désactivé.', todo: 'Demandez à votre responsable. Ce qui était ouvert a été terminé.' }),
  'access.device-disabled': () => ({ what: 'Cet appareil est hors service.', todo: 'Demandez à la répartition s’il reviendra.' }),
  'access.not-entitled': ({ endedOn }) => ({
    what: endedOn ? `L’entente de service a pris fin le ${endedOn}.` : 'Aucune entente de service ne couvre cet appareil.',
    todo: 'Demandez le renouvellement au service des contrats.',
  }),
  'access.terms-missing': () => ({
    what: 'Ce client n’a pas accepté les conditions du service à distance pour cet appareil.',
    todo: 'Faites-les accepter, puis inscrire au répertoire.',
  }),
  'access.call-not-paid': ({ caseId }) => ({
    what: `Cet appareil est servi à l’appel, et ${caseId === undefined ? 'ce dossier' : `le dossier ${caseId}`} n’est pas payé.`,
    todo: 'Donnez le numéro du dossier payé, ou faites inscrire l’appel.',
  }),
  'access.not-screened': () => ({
    what: 'La vérification de vos antécédents n’est pas au répertoire.',
    todo: 'Demandez à votre responsable d’en faire inscrire la date.',
  }),
  'access.plan-not-acknowledged': () => ({
    what: 'Votre prise de connaissance du plan de sécurité informatique n’est pas au répertoire.',
    todo: 'Lisez le plan, signez-le et demandez à votre responsable d’en faire inscrire la date.',
  }),
  'access.posture': ({ reason, version, minimumVersion }) => {
    if (reason === 'version')
      return {
        what: `Cette application est en version ${version ?? 'inconnue'}; il faut ici la version ${minimumVersion ?? 'suivante'} ou une plus récente.`,
        todo: 'Mettez-la à jour, puis refaites la demande.',
      }
    if (reason === 'disk-off')
      return {
        what: 'Le disque de cet ordinateur n’est pas chiffré, ce qui est exigé ici.',
        todo: 'Activez BitLocker, FileVault ou LUKS, ou faites la demande depuis un ordinateur qui l’a.',
      }
    if (reason === 'disk-unknown')
      return {
        what: 'Impossible de savoir si le disque de cet ordinateur est chiffré, ce qui est exigé ici.',
        todo: 'Demandez à votre service informatique de vérifier, ou utilisez un ordinateur chiffré par BitLocker, FileVault ou LUKS.',
      }
    return { what: 'Cette application ne dit pas sur quel ordinateur elle tourne, ce qui est exigé ici.', todo: 'Mettez-la à jour, puis refaites la demande.' }
  },
  'access.not-trained': ({ model, endedOn }) => ({
    what:
      endedOn === undefined
        ? `Aucune formation pour ${model ?? 'ce modèle'} n’est à votre dossier.`
        : `Votre formation pour ${model ?? 'ce modèle'} a pris fin le ${endedOn}.`,
    todo: 'Suivez la formation et faites-la inscrire, ou confiez le dossier à un collègue formé.',
  }),
  'access.country-not-allowed': ({ country }) => ({
    what: `Ce client n’admet personne de ce pays${country === undefined ? '' : ` (${country})`}.`,
    todo: 'Confiez le dossier à un collègue d’un pays que le client admet.',
  }),
  'access.tier-not-allowed': ({ country, tier }) => ({
    what: `Ce client n’admet pas le niveau de soutien ${tier ?? ''} de ce pays${country === undefined ? '' : ` (${country})`}.`,
    todo: 'Confiez le dossier à un collègue d’un niveau que le client admet.',
  }),
  'access.escalation-needed': ({ country, tier }) => ({
    what: `De ce pays${country === undefined ? '' : ` (${country})`}, le niveau de soutien ${tier ?? ''} n’entre que pour un dossier qui vous a été transféré.`,
    todo: 'Demandez au collègue qui tient le dossier de vous le transférer, puis redemandez l’accès.',
  }),
  'access.contact-missing': () => ({
    what: 'Ce client doit être averti avant la séance, et personne n’y est joignable.',
    todo: 'Faites inscrire au répertoire les adresses pour les avis.',
  }),
  'access.contact-refused': () => ({
    what: 'La personne-ressource du client a refusé la séance.',
    todo: 'Appelez le client avant de redemander l’accès.',
  }),
  'access.contact-no-answer': () => ({
    what: 'La personne-ressource du client doit accepter la séance, et n’a pas répondu.',
    todo: 'Appelez-la, puis redemandez l’accès quand elle est disponible.',
  }),
  'access.notice-undelivered': ({ reason }) => ({
    what: `Le client doit être averti avant la séance, et l’avis n’est pas arrivé${reason === undefined ? '' : ` (${reason})`}.`,
    todo: 'Redemandez l’accès. Si cela continue, faites vérifier les adresses pour les avis et le serveur de courriel.',
  }),
  'access.too-many-notices': ({ max }) => ({
    what: `Le client a reçu ${max === undefined ? 'beaucoup d’' : `${max} `}avis pour cet appareil en une heure.`,
    todo: 'Appelez le client, puis redemandez l’accès plus tard.',
  }),
  'access.change-missing': ({ number, opensAt }) => ({
    what: `Ce client gère les changements, et aucun changement approuvé n’est ouvert.${number === undefined ? '' : ` Le changement ${number} ouvre à ${opensAt}.`}`,
    todo: number === undefined ? 'Faites approuver un changement par le client, puis inscrire au répertoire.' : 'Redemandez l’accès dans sa fenêtre.',
  }),
  'access.quiet-hours': ({ until }) => ({
    what: `Ce sont les heures calmes du site${until === undefined ? '' : `, jusqu’à ${until} à son heure`}.`,
    todo: 'Redemandez l’accès ensuite; en cas d’urgence, appelez le site.',
  }),
  'access.connectivity-off': () => ({ what: 'Le service à distance est coupé pour cet appareil.', todo: 'Demandez au site de le rétablir.' }),
  'access.level-not-allowed': ({ level }) => ({
    what: `Votre profil ne comprend pas le niveau ${level ?? 'demandé'} sur cet appareil.`,
    todo: 'Demandez un niveau plus bas, ou ce profil à votre responsable.',
  }),
  'access.second-key-missing': () => ({
    what: 'Ce client signe chaque demande avec sa propre clé, et n’a pas signé celle-ci à temps.',
    todo: 'Appelez l’approbateur du client, et redemandez quand il est disponible.',
  }),
  'access.restricted-open': ({ reason }) => ({
    what:
      reason === 'others'
        ? 'Cet appareil garde fermées des données de patients, et un autre programme du même compte y tourne, à travers lequel on pourrait les voir.'
        : 'Cet appareil garde fermées des données de patients, et ne peut pas les cacher aux programmes d’une séance.',
    todo:
      reason === 'others'
        ? 'Redemandez quand aucune autre séance n’est ouverte, ou demandez les fichiers.'
        : 'Demandez les fichiers ou les diagnostics, ou voyez avec l’établissement.',
  }),
  'access.patient-data': () => ({
    what: 'Votre profil ne vous laisse pas voir de données de patients, et ce niveau d’accès le pourrait.',
    todo: 'Demandez les diagnostics, ou confiez le dossier à un collègue dont le profil le permet.',
  }),
  'access.profile-narrowed': () => ({
    what: 'Votre profil permet moins qu’au moment où cet accès a été donné; il a donc pris fin.',
    todo: 'Redemandez l’accès; vous obtiendrez ce que votre profil permet maintenant.',
  }),
  'access.reason-too-long': ({ max }) => ({ what: 'Le motif est trop long.', todo: `Restez sous ${max ?? 1000} caractères.` }),
  'access.too-many-open': ({ max }) => ({ what: `Vous avez déjà ${max ?? 2} demandes en attente.`, todo: 'Annulez-en une, ou attendez la réponse.' }),
  'access.replayed': () => ({ what: 'Cette demande a déjà été envoyée.', todo: 'Faites une nouvelle demande.' }),
  'access.signature-bad': () => ({
    what: 'Une signature de la demande ne tient pas.',
    todo: 'Vérifiez que vos clés sont celles qui ont été certifiées, puis redemandez.',
  }),
  'access.certificate-bad': () => ({ what: 'Vos clés ne sont pas certifiées pour cela, ou ne le sont plus.', todo: 'Voyez le bureau de sécurité.' }),
  'access.roster-stale': () => ({
    what: 'La liste des personnes certifiées est périmée sur l’appareil; seuls les diagnostics sont ouverts.',
    todo: 'Demandez les diagnostics, ou faites signer une nouvelle liste par le bureau de sécurité.',
  }),
  'access.roster-missing': () => ({
    what: 'L’appareil n’a pas encore de liste valide des personnes certifiées.',
    todo: 'Attendez sa prochaine interrogation; si cela dure, voyez le bureau de sécurité.',
  }),
  'access.commitment-bad': () => ({
    what: 'Le nombre révélé ne correspond pas à la demande signée.',
    todo: 'Quelqu’un s’interpose peut-être. Redemandez; signalez-le si cela se répète.',
  }),
  'access.clock-off': ({ seconds, of }) => {
    const by = `${Number(seconds) < 0 ? 'retarde' : 'avance'} de ${spanFr(Number(seconds))}`
    if (of === 'device') return { what: `L’horloge de l’appareil ${by}.`, todo: 'Faites-la régler par le site, ou son serveur de temps; puis redemandez.' }
    if (of === 'computer') return { what: `L’horloge de cet ordinateur ${by}.`, todo: 'Réglez-la, ou laissez-la suivre un serveur de temps; puis redemandez.' }
    return {
      what: `Deux horloges diffèrent ${seconds === undefined ? 'trop' : `de ${spanFr(Number(seconds))}`}.`,
      todo: 'Réglez l’horloge de cet ordinateur et de l’appareil, puis redemandez.',
    }
  },
  'device.two-places': () => ({
    what: 'Cet appareil s’est annoncé de deux endroits à la fois : son identité a peut-être été copiée. Personne n’entre.',
    todo: 'Avertissez tout de suite votre service de sécurité. Un nouveau code d’inscription donne à l’appareil une nouvelle identité.',
  }),
  'access.refused': () => ({ what: 'La personne à l’appareil a refusé.', todo: 'Appelez le site et demandez pourquoi avant de redemander.' }),
  'access.no-answer': () => ({ what: 'Personne n’a répondu à l’appareil en deux minutes.', todo: 'Appelez le poste, puis redemandez.' }),
  'access.code-wrong': () => ({
    what: 'Le code tapé à l’appareil n’était pas le code commun.',
    todo: 'Appelez le site, redemandez, et lisez le nouveau code lentement.',
  }),
  'access.policy-denied': ({ access, minutes, country, hours }) => ({
    what:
      hours !== undefined
        ? `Les règles de l’appareil ne laissent entrer qu’à certaines heures : ${hours}.`
        : country !== undefined
          ? `Les règles de l’appareil ne laissent entrer personne depuis ce pays (${country}).`
          : minutes !== undefined
            ? `Les règles de l’appareil permettent ${minutes} minutes au plus.`
            : `Les règles de l’appareil ne permettent pas ${access === undefined ? 'cela' : `le niveau ${access}`}.`,
    todo:
      hours !== undefined
        ? 'Redemandez pendant ces heures; si c’est urgent, appelez l’établissement.'
        : country !== undefined
          ? 'Confiez le dossier à un collègue, ou demandez à l’établissement de changer la règle.'
          : minutes !== undefined
            ? 'Demandez moins de temps.'
            : 'Demandez un autre niveau, ou demandez à l’établissement de changer la règle.',
  }),
  'access.policy-unusable': ({ fault }) => ({
    what: `L’appareil ne peut pas suivre ses propres règles${fault === undefined ? '' : ` (${fault})`}, alors il ne laisse entrer personne.`,
    todo: 'Demandez à l’établissement de rétablir la politique de l’appareil; son panneau dit ce qui ne va pas.',
  }),
  'access.panel-missing': () => ({
    what: 'Le panneau de l’appareil ne répond pas; personne ne peut accepter.',
    todo: 'Demandez au site de redémarrer le panneau de l’appareil.',
  }),
  'access.rate-limited': ({ minutes }) => ({
    what: 'Cet appareil a reçu trop de demandes dans la dernière heure.',
    todo: `Attendez${minutes === undefined ? '' : ` ${minutes} min`}, ou appelez le site.`,
  }),
  'access.cancelled': () => ({ what: 'La demande a été annulée.', todo: 'Redemandez quand vous voulez.' }),
  'access.expired': () => ({ what: 'La demande a dépassé son temps.', todo: 'Redemandez.' }),
  'access.interrupted': () => ({ what: 'L’agent de l’appareil a redémarré pendant que la demande était ouverte.', todo: 'Demandez de nouveau.' }),
  'access.no-access-server': ({ regions }) => ({
    what: regions ? `Aucun serveur d’accès des régions de ce client (${regions}) ne répond en ce moment.` : 'Aucun serveur d’accès ne répond en ce moment.',
    todo: 'Réessayez dans une minute. Rien n’a été envoyé à l’appareil.',
  }),
  'access.unknown': () => ({ what: 'Cette demande n’existe pas.', todo: 'Consultez la liste des demandes.' }),
  'access.wrong-state': () => ({ what: 'La demande a avancé entre-temps.', todo: 'Consultez son état présent.' }),

  'case.unknown': () => ({ what: 'Vous n’avez pas ce dossier.', todo: 'Vérifiez son numéro, ou demandez qui le tient.' }),
  'case.closed': () => ({ what: 'Le dossier est fermé.', todo: 'Ouvrez un nouveau dossier, et faites la demande sous son numéro.' }),
  'case.not-held': ({ holder }) => ({
    what: holder === undefined ? 'Vous ne tenez plus ce dossier.' : `${holder} tient ce dossier.`,
    todo: 'Seule la personne qui tient un dossier peut le transmettre ou le fermer.',
  }),
  'case.not-allowed': () => ({
    what: 'Votre profil ne comprend aucun niveau sur l’appareil de ce dossier.',
    todo: 'Demandez ce profil à votre responsable; d’ici là, le dossier reste tel quel.',
  }),
  'case.colleague-unknown': () => ({
    what: 'Ce collègue n’existe pas pour ce dossier.',
    todo: 'Choisissez une personne dont le profil comprend un niveau sur son appareil.',
  }),
  'case.ambiguous': ({ customers }) => ({
    what: `Plusieurs de vos dossiers portent ce numéro${customers === undefined ? '' : `\u00a0: ${customers}`}.`,
    todo: 'Nommez aussi le client.',
  }),

  'device.unknown': () => ({
    what: 'Cet appareil n’est pas parmi ceux qui vous sont attribués.',
    todo: 'Vérifiez le nom, ou demandez l’attribution à votre responsable.',
  }),
  'device.offline': ({ seconds }) => ({
    what: seconds === undefined ? 'L’appareil ne s’est pas encore annoncé.' : `L’appareil est silencieux depuis ${seconds} s.`,
    todo: 'Demandez au poste s’il est allumé et en ligne.',
  }),
  'device.ambiguous': ({ candidates }) => ({ what: 'Plus d’un appareil porte ce nom.', todo: `Utilisez l’identifiant : ${candidates ?? ''}` }),
  'device.answer-bad': () => ({
    what: 'La réponse de l’appareil n’est pas signée par l’appareil.',
    todo: 'Ne continuez pas. Signalez-le au bureau de sécurité.',
  }),
  'device.host-key-wrong': () => ({ what: 'L’autre bout n’a pas la clé de l’appareil.', todo: 'Ne continuez pas. Signalez-le au bureau de sécurité.' }),

  'ticket.bad': () => ({ what: 'Le billet ne correspond pas à cette demande.', todo: 'Redemandez; signalez-le si cela se répète.' }),
  'ticket.expired': () => ({ what: 'Le billet n’a pas servi à temps.', todo: 'Redemandez.' }),
  'ticket.spent': () => ({ what: 'Ce billet a déjà servi.', todo: 'Redemandez.' }),

  'leg.refused': () => ({ what: 'Le serveur d’accès n’a pas admis ce côté.', todo: 'Redemandez; signalez-le si cela se répète.' }),
  'leg.peer-missing': () => ({
    what: 'L’appareil n’a pas atteint le serveur d’accès.',
    todo: 'Redemandez; si cela dure, la sortie du site est peut-être fermée.',
  }),
  'leg.replaced': () => ({ what: 'Une connexion plus récente a pris la place de celle-ci.', todo: 'Continuez dans la plus récente.' }),
  'leg.busy': () => ({ what: 'Le serveur d’accès n’a plus de place.', todo: 'Réessayez dans une minute.' }),
  'leg.draining': () => ({ what: 'Le serveur d’accès est en cours d’arrêt.', todo: 'Redemandez; un autre sera utilisé.' }),

  'access-server.unknown': () => ({
    what: 'Le serveur principal ne connaît pas ce serveur d’accès, ou pas avec cette clé.',
    todo: 'Inscrivez le nom et la clé publique de son journal dans la liste du serveur principal.',
  }),
  'access-server.facts-differ': ({ field }) => ({
    what: `Ce que le serveur d’accès dit de lui-même (${field ?? 'réglages'}) n’est pas ce que dit la liste du serveur principal.`,
    todo: 'Faites concorder les deux.',
  }),

  'session.ended': () => ({ what: 'La séance est terminée.', todo: 'Redemandez s’il vous en faut plus.' }),
  'session.unknown': () => ({ what: 'Cette séance n’existe pas ici.', todo: 'Consultez la liste des séances.' }),
  'session.too-many-connections': ({ max }) => ({ what: `Cette séance a déjà ${max ?? 8} connexions.`, todo: 'Fermez-en une.' }),
  'session.time-limit': ({ minutes }) => ({
    what:
      minutes === undefined || minutes === 0
        ? 'Les règles de l’appareil n’accordent plus de temps à cette séance.'
        : `Les règles de l’appareil accordent encore ${minutes} min à cette séance.`,
    todo: minutes === 0 ? 'Terminez ce qui est ouvert, puis faites une nouvelle demande.' : 'Demandez moins.',
  }),
  'session.restricted-asked': () => ({
    what: 'Vous avez déjà demandé les dossiers avec des données de patients.',
    todo: 'Attendez la réponse de la personne près de l’appareil.',
  }),
  'session.restricted-none': () => ({ what: 'Cet appareil ne garde aucun dossier fermé pour des données de patients.', todo: 'Il n’y a rien à demander.' }),
  'session.terminal-unread': () => ({
    what: 'L’appareil ne reçoit plus ce qui est tapé dans ce terminal.',
    todo: 'Ouvrez-en un autre; ce qui s’exécute dans celui-ci ne lit pas.',
  }),
  'session.time-asked': () => ({ what: 'Vous avez déjà demandé plus de temps.', todo: 'Attendez la réponse de la personne près de l’appareil.' }),
  'session.channel-refused': () => ({ what: 'Ce niveau d’accès ne le comprend pas.', todo: 'Demandez un niveau plus élevé.' }),

  'file.not-found': ({ path }) => ({ what: `${path ?? 'Ce fichier'} n’existe pas.`, todo: 'Vérifiez le chemin.' }),
  'file.exists': ({ path }) => ({ what: `${path ?? 'Le fichier'} existe déjà.`, todo: 'Choisissez un autre nom, ou remplacez-le.' }),
  'file.denied': ({ path }) => ({ what: `${path ?? 'Le fichier'} ne peut pas être ouvert.`, todo: 'Choisissez un autre endroit.' }),
  'file.outside-root': () => ({ what: 'Ce chemin sort des fichiers de l’appareil.', todo: 'Restez dans les dossiers affichés.' }),
  'file.name-not-allowed': ({ path }) => ({
    what: `Le nom ${path ?? ''} n’est pas permis.`,
    todo: 'Utilisez un nom sans caractère de contrôle, saut de ligne, barre oblique ni marque de direction.',
  }),
  'file.too-large': ({ maxBytes }) => ({
    what: 'Le fichier dépasse ce que permettent les règles de l’appareil.',
    todo: maxBytes === undefined ? 'Divisez-le.' : `Restez sous ${maxBytes} octets.`,
  }),
  'file.disk-full': () => ({
    what: 'Il n’y a plus de place sur le disque.',
    todo: 'Libérez de l’espace, puis réessayez. Rien n’est resté à moitié écrit sous son nom.',
  }),
  'file.changed': () => ({
    what: 'Le fichier a changé depuis l’interruption de son transfert.',
    todo: 'Envoyez-le de nouveau pour le transférer tel qu’il est maintenant.',
  }),
  'file.digest-differs': () => ({ what: 'Le fichier est arrivé modifié; il n’a pas été mis en place.', todo: 'Envoyez-le de nouveau.' }),
  'file.not-a-file': ({ path }) => ({ what: `${path ?? 'Cela'} n’est pas un fichier.`, todo: 'Choisissez un fichier.' }),
  'file.not-a-folder': ({ path }) => ({ what: `${path ?? 'Cela'} n’est pas un dossier.`, todo: 'Choisissez un dossier.' }),
  'file.not-empty': ({ path }) => ({ what: `${path ?? 'Le dossier'} n’est pas vide.`, todo: 'Videz-le d’abord.' }),
  'file.path-closed': () => ({
    what: 'Les règles de l’appareil n’ouvrent que d’autres dossiers.',
    todo: 'Restez dans les dossiers affichés, ou demandez à l’établissement de changer la règle.',
  }),
  'file.restricted': ({ path }) => ({
    what: `${path ?? 'Cet endroit'} peut contenir des données de patients; l’appareil le garde donc fermé.`,
    todo: 'Demandez-le dans cette séance : la personne près de l’appareil doit dire oui. Le second nom d’un fichier, et ce qu’on y déplace ou en sort, reste fermé.',
  }),
  'file.direction-closed': () => ({ what: 'Les règles de l’appareil ferment ce sens.', todo: 'Demandez au site de changer la règle.' }),
  'file.cancelled': () => ({ what: 'Le transfert a été annulé.', todo: 'Recommencez quand vous voulez.' }),
  'file.failed': () => ({ what: 'Le fichier n’a pas pu être lu ou écrit.', todo: `Réessayez. ${report}` }),

  'transfer.unknown': () => ({ what: 'Ce transfert n’est plus dans la liste.', todo: 'Refaites venir le fichier.' }),
  'transfer.not-received': () => ({ what: 'Ce n’est pas un téléchargement fini.', todo: 'Attendez que les deux bouts soient comparés.' }),
  'transfer.no-desktop': () => ({ what: 'Un navigateur ne peut pas remettre de fichiers au bureau.', todo: 'Copiez le chemin du fichier et ouvrez-le de là.' }),

  'action.unknown': ({ name }) => ({ what: `L’action ${name ?? ''} n’existe pas.`, todo: 'Affichez les actions de l’appareil.' }),
  'action.not-allowed': ({ name }) => ({
    what: `Votre profil ne comprend pas l’action ${name ?? ''}.`,
    todo: 'Demandez à un collègue dont le profil la comprend, ou faites étendre le vôtre.',
  }),
  'action.failed': () => ({ what: 'L’action a échoué sur l’appareil.', todo: `Recueillez les diagnostics. ${report}` }),

  'enrol.code-bad': () => ({ what: 'Le code d’inscription n’est pas bon, a déjà servi ou est trop ancien.', todo: 'Demandez un nouveau code.' }),
  'enrol.authority-mismatch': () => ({
    what: 'Le serveur nomme une autre autorité que le code d’inscription.',
    todo: 'Ne continuez pas. Signalez-le au bureau de sécurité.',
  }),
  'enrol.request-bad': () => ({ what: 'La demande d’inscription n’a pas été comprise.', todo: report }),

  'authority.officer-unknown': ({ name }) => ({ what: `Aucun agent de sécurité ne s’appelle ${name ?? 'ainsi'}.`, todo: 'Consultez la liste avec « list ».' }),
  'authority.officer-known': ({ name }) => ({
    what: `Un agent de sécurité s’appelle déjà ${name ?? 'ainsi'}.`,
    todo: 'Choisissez un autre nom; un nom ne sert qu’une fois.',
  }),
  'authority.same-officer': () => ({
    what: 'Deux agents de sécurité différents doivent consentir.',
    todo: 'Nommez une deuxième personne, qui tape sa propre phrase de passe.',
  }),
  'authority.too-few-officers': ({ min }) => ({ what: `Il doit rester au moins ${min ?? 2} agents de sécurité.`, todo: 'Ajoutez-en d’abord un autre.' }),
  'authority.passphrase-wrong': ({ name }) => ({
    what: `Ce n’est pas la phrase de passe de ${name ?? 'cette personne'}.`,
    todo: 'Rien n’a été signé, et la tentative est au journal. Recommencez.',
  }),
  'authority.passphrase-short': ({ min }) => ({
    what: 'Cette phrase de passe est trop courte.',
    todo: `Choisissez-en une d’au moins ${min ?? 12} caractères; plusieurs mots valent mieux.`,
  }),
  'authority.state-older': ({ published }) => ({
    what: `Ce dossier est plus ancien que ce qui a été publié${published === undefined ? '' : ` (registre ${published})`}, ou appartient à une autre autorité.`,
    todo: 'Utilisez le dossier le plus récent. S’il est perdu pour de bon, deux agents peuvent repartir de celui-ci avec « restore ».',
  }),
  'authority.published-missing': () => ({
    what: 'Le dossier à emporter ne contient pas le dernier registre : nul ne peut dire si cet état est le plus récent.',
    todo: 'Apportez le dossier tel qu’il a été écrit la dernière fois; le serveur principal en a une copie.',
  }),
  'authority.person-unknown': ({ username }) => ({
    what: `Personne ne s’appelle ${username ?? 'ainsi'} ici.`,
    todo: 'Importez la demande de cette personne, ou consultez la liste avec « list ».',
  }),
  'authority.person-known': ({ username }) => ({
    what: `${username ?? 'Cette personne'} est certifiée avec d’autres clés.`,
    todo: 'Si les nouvelles clés doivent les remplacer, utilisez « rotate ».',
  }),
  'authority.request-bad': () => ({
    what: 'Cette demande de certificat ne tient pas : signatures, date ou forme.',
    todo: 'Demandez à la personne d’en faire une nouvelle à son poste.',
  }),
  'authority.fingerprint-differs': ({ fingerprint }) => ({
    what: `Les clés importées ont une autre empreinte${fingerprint === undefined ? '' : ` : ${fingerprint}`}.`,
    todo: 'Faites relire la sienne à la personne. Si elle diffère encore, quelqu’un a échangé la demande : ne certifiez rien.',
  }),

  'audit.unavailable': () => ({
    what: 'L’audit ne peut pas être écrit; rien ne peut donc être fait.',
    todo: 'Libérez de l’espace ou réparez le registre, puis réessayez.',
  }),
  'audit.broken': ({ line }) => ({
    what: `L’audit ne tient pas${line === undefined ? '' : ` à la ligne ${line}`}.`,
    todo: 'Gardez le fichier tel quel et signalez-le au bureau de sécurité.',
  }),

  'server.unreachable': ({ host, hop, proxy }) => ({
    what: proxy ? `Le mandataire ${proxy} ne répond pas comme il le devrait.` : `${host ?? 'Le serveur'} ne répond pas${hop === undefined ? '' : ` (${hop})`}.`,
    todo: 'Vérifiez le réseau; ce qui est ouvert réessaie de lui-même.',
  }),
  'server.identity-wrong': ({ host, issuer, proxy }) => ({
    what: `${proxy ? `Le mandataire ${proxy}` : (host ?? 'Le serveur')} présente un certificat qui n’est pas le sien${issuer ? `, émis par ${issuer}` : ''}.`,
    todo: proxy
      ? 'Demandez aux TI du site quelle autorité répond du mandataire, et nommez son fichier dans le réglage du mandataire.'
      : 'Un mandataire ouvre peut-être la connexion. Demandez aux TI du site de la laisser passer intacte.',
  }),
  'server.certificate-revoked': ({ host }) => ({
    what: `${host ?? 'Le serveur'} présente un certificat qui a été révoqué.`,
    todo: 'Quelqu’un se sert peut-être d’un certificat volé. L’exploitant du serveur en met un nouveau à sa place.',
  }),
  'server.keys-bad': () => ({ what: 'La liste des clés des serveurs n’est pas signée par l’autorité.', todo: `Faites-la signer de nouveau. ${report}` }),
  'server.keys-stale': () => ({
    what: 'La liste des clés des serveurs est plus ancienne que celle qui est connue.',
    todo: 'Utilisez la plus récente que l’autorité a signée.',
  }),
  'server.answer-bad': () => ({ what: 'La réponse du serveur n’a pas été comprise.', todo: `Mettez ce programme à jour. ${report}` }),
  'server.proxy-refused': byReason(proxyFr.refused, 'failed'),
  'proxy.setting-bad': byReason(proxyFr.setting, 'url'),
  'server.not-allowed': ({ host, port }) => ({
    what: `${host ?? 'Un serveur'}${port === undefined ? '' : `:${port}`} n’est pas sur la liste des serveurs de l’appareil.`,
    todo: 'Demandez à la personne responsable de l’appareil de l’y ajouter, ou avisez votre bureau de la sécurité.',
  }),

  'policy.key-wrong': ({ reason }) => ({
    what: reason === 'owner' ? 'Cette clé n’est pas celle de la politique de cet appareil.' : 'La phrase de passe n’ouvre pas cette clé.',
    todo: reason === 'owner' ? 'Utilisez la clé qui l’a signée la dernière fois.' : 'Tapez-la de nouveau.',
  }),
  'policy.passkey-refused': ({ reason }) => ({
    what:
      {
        none: 'La politique ne fixe aucune clé d’accès que cette page puisse demander.',
        port: 'Le port de la page des clés d’accès est pris.',
        time: 'Personne n’a utilisé de clé d’accès à temps.',
      }[String(reason)] ?? 'La réponse du navigateur n’est pas celle demandée, ou la clé d’accès n’est pas de la politique.',
    todo:
      { none: 'Créez-en une avec gantry-agent policy passkey et fixez-la dans approvers.', port: 'Arrêtez le programme qui l’utilise, puis réessayez.' }[
        String(reason)
      ] ?? 'Rien n’a été signé. Relancez la commande.',
  }),
  'policy.setting-bad': ({ name }) => ({
    what: `${name === undefined || name === '' ? 'Un réglage' : `Le réglage ${name}`} est inconnu, ou sa valeur ne convient pas.`,
    todo: 'Rien n’a été changé. Voyez les réglages et leurs valeurs avec : gantry-agent policy show',
  }),
  'policy.unusable': ({ fault }) => ({
    what: `La politique en place ne peut pas être suivie (${fault ?? ''}); il n’y a donc rien à changer.`,
    todo: 'Remettez le dernier bon fichier, ou repartez des valeurs par défaut avec --fresh.',
  }),

  'update.key-wrong': () => ({ what: 'La phrase de passe n’ouvre pas cette clé.', todo: 'Tapez-la de nouveau.' }),
  'update.published': ({ name }) => ({
    what: `${name ?? 'Ce fichier'} est déjà publié, avec un autre contenu.`,
    todo: 'Un fichier publié ne change jamais. Donnez un autre numéro à la version et reconstruisez-la.',
  }),
  'update.manifest-bad': () => ({
    what: 'Ce que le serveur principal offre comme mise à jour n’est pas signé par la clé de mise à jour du fournisseur.',
    todo: 'Rien n’en a été pris. Signalez-le à votre bureau de la sécurité : quelqu’un a peut-être modifié le serveur.',
  }),
  'update.not-for-us': ({ field }) => ({
    what: `La mise à jour offerte est pour un autre genre d’ordinateur ou d’installation${field === undefined ? '' : ` (${field})`}.`,
    todo: 'Rien n’en a été pris. Avertissez la personne qui gère le serveur principal.',
  }),
  'update.older': () => ({
    what: 'Le serveur principal offre une liste de mises à jour plus ancienne qu’avant.',
    todo: 'Rien n’en a été pris. Signalez-le à votre bureau de la sécurité : quelqu’un retient peut-être les mises à jour.',
  }),
  'update.expired': ({ since }) => ({
    what: `La liste des mises à jour n’a pas été renouvelée${since === undefined ? '' : ` depuis le ${since}`}; elle ne compte donc plus.`,
    todo: 'Vérifiez l’horloge de cet ordinateur. Si elle est juste, avertissez la personne qui gère le serveur principal : les mises à jour sont peut-être retenues.',
  }),
  'update.none': () => ({
    what: 'Le serveur principal n’offre aucune mise à jour de cette application.',
    todo: 'Demandez à la personne qui le gère d’où viennent les nouvelles versions.',
  }),
  'update.file-bad': ({ name }) => ({
    what: `${name ?? 'Le fichier'} n’est pas ce que le fournisseur a signé.`,
    todo: 'Il a été jeté. Réessayez; si cela se répète, signalez-le à votre bureau de la sécurité.',
  }),
  'update.unsupported': () => ({
    what: 'Cette installation ne se met pas à jour elle-même.',
    todo: 'Installez les nouvelles versions comme celle-ci a été installée.',
  }),
  'update.not-ready': () => ({ what: 'Aucune mise à jour n’est prête à être installée.', todo: 'Cherchez-en une, et attendez qu’elle soit ici.' }),
  'update.install-failed': ({ path }) => ({
    what: 'La mise à jour n’a pas pu être installée.',
    todo:
      path === undefined || path === ''
        ? 'La version précédente est en place. Réessayez.'
        : `Si Gantry ne démarre plus, ouvrez la version précédente : ${path}`,
  }),

  'state.in-use': ({ folder, pid }) => ({
    what: `${folder ?? 'Le dossier d’état'} est utilisé${pid === undefined ? '' : ` par le processus ${pid}`}.`,
    todo: 'Arrêtez l’autre, ou choisissez un autre dossier.',
  }),
  'state.unreadable': ({ path }) => ({
    what: `${path ?? 'Un fichier d’état'} ne peut pas être lu.`,
    todo: 'Restaurez-le d’une sauvegarde, ou partez d’un dossier d’état neuf.',
  }),
  'state.unwritable': ({ path, reason }) => ({
    what: `Impossible d’écrire dans ${path ?? 'le dossier d’état'}${reason === undefined ? '' : ` (${reason})`}.`,
    todo: 'Rendez-le à son propriétaire, ou libérez de l’espace sur le disque.',
  }),
  'port.busy': ({ port }) => ({ what: `Le port ${port ?? ''} est pris par un autre programme.`, todo: 'Arrêtez ce programme, ou choisissez un autre port.' }),
  'prerequisite.missing': ({ names, command }) => ({ what: `Il manque : ${names ?? ''}.`, todo: `Installez avec : ${command ?? ''}` }),
  'sandbox.not-running': ({ folder }) => ({
    what: `Aucun bac à sable ne tourne dans ${folder ?? 'ce dossier'}.`,
    todo: 'Lancez-le avec npm start, ou avec npm run sandbox -- --state DOSSIER.',
  }),
  'panel.nothing-waiting': () => ({ what: 'Rien n’attend de réponse à cet appareil.', todo: 'Utilisez --next pour attendre la prochaine demande.' }),
  'panel.unknown-device': () => ({ what: 'Ce bac à sable n’a pas cet appareil.', todo: 'Utilisez un identifiant ou un nom de la liste des appareils.' }),

  'contract.bad-input': ({ field }) => ({ what: `${field ?? 'L’entrée'} n’a pas la forme voulue.`, todo: 'Corrigez et réessayez.' }),
  'contract.unknown-name': () => ({ what: 'Cette version ne connaît pas cette demande.', todo: 'Mettez à jour le côté le plus ancien.' }),
  'contract.too-large': () => ({ what: 'C’est trop grand.', todo: 'Raccourcissez et réessayez.' }),
  'usage.bad': ({ problem }) => ({ what: `${problem ?? 'La commande n’a pas été comprise.'}`, todo: 'Voyez --help.' }),
  'usage.not-in-package': ({ option }) => ({
    what: `Une application Gantry installée n’accepte pas ${option ?? 'cette option'} : ce à quoi elle se fie a été installé avec elle.`,
    todo: 'Lancez-la sans. C’est l’administrateur qui change gantry.json, à côté de l’application.',
  }),
  internal: () => ({ what: 'Une erreur est survenue de notre côté.', todo: report }),
}

import type { AuthorityWords } from './authority.en.ts'

export const authorityFr: AuthorityWords = {
  about: 'Certifie les clés des spécialistes et signe le registre. Fonctionne hors ligne; son dossier contient la clé privée.',
  init: 'Crée la clé de l’autorité. Une seule fois : chaque appareil la retient à son inscription.',
  certify: 'Certifie une personne pour 90 jours, puis signe le registre suivant.',
  roster: 'Signe le registre suivant, pour 14 jours, à partir des certificats d’un dossier. Pour révoquer une personne, retirez d’abord son fichier.',
  fingerprint: 'Affiche la clé publique et son empreinte, à comparer de vive voix ou sur papier.',
  folder: 'le dossier de l’autorité',
  request: 'fichier JSON avec l’identifiant, le nom d’utilisateur, le nom, l’employeur, le pays et les deux clés publiques de la personne',
  out: 'dossier où vont roster.jws et certificates/<nom d’utilisateur>.jws',
}

/** The device's own words: this program is the device's, not Gantry's, and must run where nothing of Gantry can be read. */
export const menuEn = {
  title: (model: string) => `${model} · service menu`,
  notice: 'For trained service staff. Everything here is shown on the front panel.',
  options: { status: 'Status', test: 'Self test', errors: 'Last errors', calibration: 'Calibration readout', language: 'Français', quit: 'Quit' },
  choose: 'Choose: ',
  unknown: 'No such choice.',
  state: { running: 'running', stopped: 'stopped', restarting: 'restarting', unknown: 'unknown' },
  status: (state: string, since: string, restarts: number, version: string) => [
    `Service   ${state}`,
    `Since     ${since}`,
    `Restarts  ${restarts}`,
    `Version   ${version}`,
  ],
  testing: (name: string) => `${name} … `,
  tests: ['Memory', 'Syringe heater', 'Pressure sensor A', 'Pressure sensor B', 'Air detector', 'Display'],
  passed: 'passed',
  noErrors: 'No warnings or errors in the log.',
  calibration: [
    ['Pressure sensor A', 'zero +0.3 kPa', 'gain 1.002'],
    ['Pressure sensor B', 'zero -0.1 kPa', 'gain 0.998'],
    ['Flow', 'offset 0.00 mL/s', 'gain 1.001'],
    ['Air detector', 'threshold 0.84 V', 'older than 90 days'],
  ],
  bye: 'Service menu closed.',
}
export type MenuWords = typeof menuEn

export const menuFr: MenuWords = {
  title: (model) => `${model} · menu de service`,
  notice: 'Réservé au personnel de service formé. Tout ce qui est ici s’affiche sur le panneau avant.',
  options: { status: 'État', test: 'Autotest', errors: 'Dernières erreurs', calibration: 'Lecture de l’étalonnage', language: 'English', quit: 'Quitter' },
  choose: 'Votre choix : ',
  unknown: 'Ce choix n’existe pas.',
  state: { running: 'en marche', stopped: 'arrêté', restarting: 'en redémarrage', unknown: 'inconnu' },
  status: (state, since, restarts, version) => [
    `Service         ${state}`,
    `Depuis          ${since}`,
    `Redémarrages    ${restarts}`,
    `Version         ${version}`,
  ],
  testing: (name) => `${name} … `,
  tests: ['Mémoire', 'Chauffe-seringue', 'Capteur de pression A', 'Capteur de pression B', 'Détecteur d’air', 'Écran'],
  passed: 'réussi',
  noErrors: 'Ni avertissement ni erreur dans le journal.',
  calibration: [
    ['Capteur de pression A', 'zéro +0,3 kPa', 'gain 1,002'],
    ['Capteur de pression B', 'zéro -0,1 kPa', 'gain 0,998'],
    ['Débit', 'décalage 0,00 mL/s', 'gain 1,001'],
    ['Détecteur d’air', 'seuil 0,84 V', 'plus de 90 jours'],
  ],
  bye: 'Menu de service fermé.',
}

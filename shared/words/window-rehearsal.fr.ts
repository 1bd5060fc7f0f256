import type { RehearsalWords } from './window-rehearsal.en.ts'

export const rehearsalFr: RehearsalWords = {
  mark: 'Exercice',
  markTitle: 'Pour les répétitions : aucun patient à proximité',
  offer: 'Répéter un appel sur l’appareil d’exercice',
  offerText: (device) => `Une vraie séance avec ${device} en cinq courtes étapes. Aucun patient à proximité.`,
  begin: 'Commencer',
  later: 'Plus tard',
  title: 'Répétition',
  steps: { ask: 'Demande', answer: 'Réponse', command: 'Commande', file: 'Fichier', end: 'Fin' },
  now: {
    ask: 'Le formulaire est rempli. Lisez ce que l’appareil affichera, puis signez et envoyez.',
    answer: 'Lors d’un appel, vous liriez le code maintenant. La personne à l’appareil le compare et répond.',
    command: 'Tapez une commande dans le terminal, par exemple « uptime », puis Entrée.',
    file: 'Marquez un fichier du côté de l’appareil et appuyez sur F5 : il vient sur cet ordinateur.',
    end: (keys) => `Terminez la séance : ${keys}, puis Entrée.`,
  },
  stopped: {
    refused: 'La demande n’a pas abouti. Demandez de nouveau.',
    ended: 'La séance a pris fin avant une commande et un fichier. Demandez de nouveau.',
  },
  over: 'C’était un appel complet. L’appareil, le serveur principal et cet ordinateur en gardent chacun la trace.',
  openForm: 'Ouvrir le formulaire',
  showRequest: 'Montrer la demande',
  showSession: 'Montrer la séance',
  leave: 'Quitter la répétition',
  reason: 'Répétition',
  none: 'Un appareil d’exercice permet de répéter un appel complet. Aucun ne vous est attribué; le bureau du fabricant peut en attribuer un.',
}

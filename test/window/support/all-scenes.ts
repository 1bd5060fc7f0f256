import { recordScenes } from './record-scenes.ts'
import { rehearsalScenes } from './rehearsal-scenes.ts'
import { type Scenes, screenScenes } from './scenes.ts'
import { sessionScenes } from './session-scenes.ts'
import { sessionStateScenes } from './session-state-scenes.ts'

/** Every screen of the window, in every state that a person can meet. */
export const allScenes: Scenes = { ...screenScenes, ...recordScenes, ...sessionScenes, ...sessionStateScenes, ...rehearsalScenes }

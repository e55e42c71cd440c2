// The language of the console. Another one is a file beside en.js with the same keys, chosen here.
export { en as text } from '../text/en.js';

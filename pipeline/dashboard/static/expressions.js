// The apparent expressions: a colour of Okabe and Ito's each, a letter, and always the word.

export const COLOURS = {
  angry: "#d55e00",
  disgust: "#009e73",
  fear: "#cc79a7",
  happy: "#f0e442",
  sad: "#0072b2",
  surprise: "#56b4e9",
  neutral: "#9aa3ab",
};
export const LETTERS = { angry: "A", disgust: "D", fear: "F", happy: "H", sad: "S", surprise: "U", neutral: "N" };

/** In the order in which shares are stacked: neutral at the bottom, as the ground that the others stand on. */
export const STACK = ["neutral", "happy", "surprise", "sad", "fear", "angry", "disgust"];

export const colourOf = (label) => COLOURS[label] ?? "#9aa3ab";

/** Whose face it is, from the id of its track (RUN-NUMBER): the number is enough to tell people in one picture apart. */
export const trackOf = (id) => `#${id.slice(id.lastIndexOf("-") + 1).slice(-6)}`;

/** What is told of one face, in words. */
export function told(face) {
  if (face.label === null) return `not read (${face.untold})`;
  const sure = `${face.label} ${Math.round(face.confidence * 100)} %`;
  return face.untold === null ? sure : face.untold === "uncertain" ? `${face.label}?` : `not read (${face.untold})`;
}

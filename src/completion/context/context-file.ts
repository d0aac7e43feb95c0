/** A piece of another file, or of what the user did elsewhere, as the model is shown it: under a path. */
export interface ContextFile {
  path: string;
  text: string;
}

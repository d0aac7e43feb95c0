/** Places in a document, as in VS Code. Of the fake editor (vscode.ts). */

export class Position {
  readonly line: number;
  readonly character: number;
  constructor(line: number, character: number) {
    this.line = line;
    this.character = character;
  }
  compareTo(other: Position): number {
    return this.line - other.line || this.character - other.character;
  }
  isBefore(other: Position): boolean {
    return this.compareTo(other) < 0;
  }
  isAfter(other: Position): boolean {
    return this.compareTo(other) > 0;
  }
  isEqual(other: Position): boolean {
    return this.compareTo(other) === 0;
  }
}
export class Range {
  readonly start: Position;
  readonly end: Position;
  constructor(from: number | Position, to: number | Position, endLine = 0, endCharacter = 0) {
    this.start = from instanceof Position ? from : new Position(from, to as number);
    this.end = to instanceof Position ? to : new Position(endLine, endCharacter);
  }
  get isEmpty(): boolean {
    return this.start.line === this.end.line && this.start.character === this.end.character;
  }
  intersection(other: Range): Range | undefined {
    const start = this.start.isAfter(other.start) ? this.start : other.start;
    const end = this.end.isBefore(other.end) ? this.end : other.end;
    return start.isAfter(end) ? undefined : new Range(start, end);
  }
  contains(position: Position): boolean {
    return !position.isBefore(this.start) && !position.isAfter(this.end);
  }
  with(start: Position): Range {
    return new Range(start, this.end);
  }
}
export class Selection extends Range {
  get active(): Position {
    return this.end;
  }
}

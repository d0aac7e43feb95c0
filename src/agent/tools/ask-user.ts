/** `ask_user`: a question that only the user can answer. */
import { optional, string, strings } from './parameters.ts';
import { defineTool, short, told } from './tool.ts';

export const askUser = defineTool({
  name: 'ask_user',
  description: 'Ask the user, only if you can find out in no other way.',
  parameters: { question: string('one question'), options: optional(strings('possible answers')) },
  title: ({ question }) => `Ask: ${short(question)}`,
  async run({ question, options = [] }, { callId, ports, signal, emit }) {
    emit({ type: 'question', callId, question, options });
    const answer = await ports.questions.ask(question, options, signal);
    if (answer === null)
      return told('The user did not answer. Decide yourself, and say what you assumed.', 'no answer', false);
    return told(`The user answered: ${answer}`, short(answer));
  },
});

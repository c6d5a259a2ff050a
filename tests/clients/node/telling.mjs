// What each script is told, as one JSON object, and how it tells what happened: a line of JSON on standard output.
export const told = JSON.parse(process.argv[2])

export const tell = (line) => console.log(JSON.stringify(line))

// Tells an answer in the form of RFC 6749 5.2 and lets every other error end the script.
export function refusal(error) {
  if (error.code !== 'OAUTH_RESPONSE_BODY_ERROR') throw error
  return { error: error.error, status: error.status }
}
